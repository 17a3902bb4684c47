"""Energy meters on recorded output and a counter in a folder."""

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measurement import open_meter, spent
from benchmarks.measurement.energy import parse_power

# Printed by `vcgencmd pmic_read_adc` on a Raspberry Pi 5, idle, as its documentation and users show it.
RECORDED = """\
   3V7_WL_SW_A current(0)=0.08686237A
   3V3_SYS_A current(1)=0.07514451A
   1V8_SYS_A current(2)=0.18261970A
  DDR_VDD2_A current(3)=0.02927874A
  DDR_VDDQ_A current(4)=0.00000000A
   1V1_SYS_A current(5)=0.18310930A
    0V8_SW_A current(6)=0.34745600A
  VDD_CORE_A current(7)=0.75462000A
   3V3_DAC_A current(17)=0.00006105A
   3V3_ADC_A current(18)=0.00006105A
   0V8_AON_A current(16)=0.00408110A
      HDMI_A current(22)=0.01745560A
     EXT5V_V volt(24)=5.15022000V
      HDMI_V volt(23)=5.14650000V
   3V7_WL_SW_V volt(8)=3.70966300V
   3V3_SYS_V volt(9)=3.31372900V
   1V8_SYS_V volt(10)=1.80256700V
  DDR_VDD2_V volt(11)=1.10768400V
  DDR_VDDQ_V volt(12)=0.60805570V
   1V1_SYS_V volt(13)=1.10658500V
    0V8_SW_V volt(14)=0.80293190V
  VDD_CORE_V volt(15)=0.72044350V
   3V3_DAC_V volt(20)=3.31067700V
   3V3_ADC_V volt(21)=3.31220300V
   0V8_AON_V volt(19)=0.79866110V
     BATT_V volt(25)=0.00000000V
"""
WATTS = 2.05
"""The sum of current × voltage over the twelve rails that have both."""


def test_power_is_the_sum_over_rails_with_current_and_voltage() -> None:
    assert parse_power(RECORDED) == pytest.approx(WATTS, abs=0.01)
    # EXT5V and BATT have a voltage only.
    assert parse_power("EXT5V_V volt(24)=5.15022000V\n") is None


@pytest.mark.parametrize(
    "text", ["", "error=1", "command not registered", "X_A current(0)=A", "X_A current(0)=1.2.3A\n"]
)
def test_what_names_no_rail_has_no_power(text: str) -> None:
    assert parse_power(text) is None


@given(st.text() | st.text(alphabet="_AV0123456789.()= \ncurentvol"))
def test_any_text_is_read(text: str) -> None:
    power = parse_power(text)
    assert power is None or power >= 0


def test_the_power_chip_is_read_again_and_again(tmp_path: Path) -> None:
    with open_meter(tmp_path, lambda: RECORDED) as meter:
        assert meter.name == "PMIC"
        before, started = meter.joules(), time.monotonic()
        time.sleep(0.5)
        joules, seconds = spent(before, meter.joules()), time.monotonic() - started
    assert joules == pytest.approx(WATTS * seconds, rel=0.05)


def test_a_chip_that_stops_answering_keeps_its_last_power(tmp_path: Path) -> None:
    answers = iter([RECORDED, RECORDED])
    with open_meter(tmp_path, lambda: next(answers, None)) as meter:
        before = meter.joules()
        time.sleep(0.3)
        joules = spent(before, meter.joules())
        assert joules is not None
        assert joules > 0.5


def test_the_counter_of_x86_goes_on_when_it_restarts(tmp_path: Path) -> None:
    (tmp_path / "max_energy_range_uj").write_text("1000000\n")
    (tmp_path / "energy_uj").write_text("900000\n")
    with open_meter(tmp_path, lambda: None) as meter:
        assert meter.name == "RAPL"
        before = meter.joules()
        (tmp_path / "energy_uj").write_text("100000\n")
        assert spent(before, meter.joules()) == pytest.approx(0.2)
        (tmp_path / "energy_uj").unlink()
        assert spent(before, meter.joules()) is None


def test_elsewhere_there_is_none(tmp_path: Path) -> None:
    with open_meter(tmp_path, lambda: None) as meter:
        assert (meter.name, meter.joules()) == ("none", None)
