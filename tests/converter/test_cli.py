"""int8 keeps the accuracy, or says so and stops."""

import csv
import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from converter import Comparison, Runtime, check_fit, compare, load_keras_model
from converter.quantization import (
    FloatScores,
    calibrate,
    converted_scores,
    correct,
    equalize_channels,
    make_room_for_unknowns,
    quantize,
    read_calibration,
)
from edge_runtime import ModelCard, decode_image, fit, open_engine, read_model_file, read_run
from edge_runtime.core import sha256
from tests.commands import Running
from tests.conftest import Command


def scores(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_a_comparison_counts_what_was_lost() -> None:
    expected = scores([0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6])
    found = scores([0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.4, 0.6])
    result = compare(expected, found, np.array([0, 0, 1, 0]), ["a", "b"])
    assert (result.count, result.float_accuracy, result.accuracy, result.agreement) == (4, 0.75, 0.5, 0.75)
    assert (result.lost, result.won) == (1, 0)
    assert result.class_drops == {"a": pytest.approx(1 / 3), "b": 0.0}
    assert result.kl_divergence == pytest.approx((0.8 * np.log(2) + 0.2 * np.log(1 / 3)) / 4, abs=1e-6)


def test_scores_that_are_nearly_the_same_have_no_negative_divergence() -> None:
    levels = np.round(np.random.default_rng(0).dirichlet([0.1] * 10, 200) * 256) / 256
    result = compare(scores(*levels), scores(*levels) + 1e-6, np.zeros(200, np.int64), list("abcdefghij"))
    assert f"{result.kl_divergence:.5f}" == "0.00000"


@pytest.mark.parametrize(
    ("lost", "won", "count", "passes"),
    [
        (0, 0, 65, True),
        (1, 0, 65, True),  # one image of 65 is 1.5 points, and says nothing
        (5, 0, 65, True),  # p = 0.0625
        (6, 0, 65, False),  # p = 0.03
        (12, 6, 100, True),  # 6 points, but p = 0.24
        (10, 0, 1000, True),  # a point exactly
        (11, 0, 1000, False),
        (1, 0, 5, False),  # so few that not even the loss of all would be more than chance: the limit alone
    ],
)
def test_a_loss_is_refused_where_it_is_above_the_limit_and_real(
    lost: int, won: int, count: int, passes: bool
) -> None:
    before = 0.9 if count > 5 else 1.0
    result = Comparison(count, before, before - (lost - won) / count, lost, won, 1.0, 0.0, {})
    assert result.within(0.01) == passes


@pytest.fixture(scope="module")
def fragile_run(digits_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without a rejection that computes the same in float but not in int8.

    The same large number is added to every class's output before the softmax, which subtracts it again: in
    between, the classes differ by less than a step of the int8 scale.
    """
    import keras

    folder = tmp_path_factory.mktemp("fragile") / "run"
    shutil.copytree(digits_run, folder)
    model = load_keras_model(folder / "model.keras")
    kernel, bias = model.layers[-1].get_layer("logits").get_weights()
    features = keras.Input(model.layers[-1].input_shape[1:], name="features")
    scores = keras.layers.Dense(len(bias), "softmax", name="scores")
    head = keras.Model(features, scores(features), name="head")
    scores.set_weights([kernel, bias + 200_000])
    pixels = outputs = keras.Input(model.input_shape[1:], name="pixels")
    for layer in model.layers[1:-1]:
        outputs = layer(outputs)
    card = ModelCard.from_json((folder / "card.json").read_text())
    golden = tuple(replace(each, scores=_among_classes(each.scores)) for each in card.golden)
    card = replace(card, labels=card.classes, rejection=None, reference=None, golden=golden)
    (folder / "card.json").write_text(card.to_json())
    with warnings.catch_warnings():
        # Keras uses a deprecated function of numpy.
        warnings.simplefilter("ignore", DeprecationWarning)
        keras.Model(pixels, head(outputs), name="classifier").save(folder / "model.keras")
    return folder


def _among_classes(scores: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(score / sum(scores[:-1]) for score in scores[:-1])


@pytest.mark.slow
def test_a_collapse_stops_the_conversion_and_names_the_layer(
    command: Command, fragile_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    out.write_bytes(b"old")
    done = command("edge-convert", fragile_run, "--out", out)
    done.fails_at_last_with(
        9,
        "is not written",
        "--max-drop is 0.01",
        "worst layers: scores",
        "worst classes:",
        "more than chance",
    )
    assert "try --calibrate auto, --qat-steps 500 or --keep-float auto" in done.err
    assert out.read_bytes() == b"old"
    record = json.loads(out.with_suffix(".conversion.json").read_text())
    assert record["gate"] == {"max_drop": 0.01, "min_agreement": 0.0, "passed": False}
    assert record["held_out"]["accuracy"] < 0.5 < record["held_out"]["float_accuracy"]


@pytest.mark.slow
def test_the_precisions_that_pass_are_written_and_what_failed_is_not_suggested_again(
    command: Command, fragile_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    done = command(
        *("edge-convert", fragile_run, "--out", out, "--precision", "int8,float32", "--calibrate", "auto")
    )
    done.fails_at_last_with(
        9, "m.int8.tflite is not written", " lost, ", "images", "try --qat-steps 500 or --keep-float auto"
    )
    assert "--calibrate auto" not in done.err.splitlines()[-1]
    assert not (tmp_path / "m.int8.tflite").exists()
    assert f"written:   {tmp_path / 'm.float32.tflite'}" in done.out
    # Beside 200,000, float32 has steps of 0.016 as well.
    assert "(0 lost, 0 won)" in done.out or "no more than chance" in done.out
    assert read_model_file(tmp_path / "m.float32.tflite").card is not None


@pytest.mark.extra
def test_a_model_that_rejects_other_images_than_the_keras_model_is_not_written(
    digits_run: Path, tmp_path: Path
) -> None:
    # The lead of `unknown` is made 6 logits too large, and is not shifted back.
    fault = """
import converter.conversion as conversion, converter.quantization.rejection as rejection
errors = iter([-6.0, 0.0])
conversion.mean_lead_error = lambda *_scores: next(errors)
rejection.MOST_SHIFTED = 0.0
"""
    out = tmp_path / "m.tflite"
    done = Running("edge-convert", (digits_run, "--out", out), prepare=fault).finish()
    done.fails_at_last_with(
        9,
        "m.tflite is not written: int8 does not reject what the Keras model rejects: it keeps 0.9",
        "of the held-out images, accepts",
        "--max-drop is 0.01; try --calibrate auto, --qat-steps 500 or --keep-float auto",
    )
    assert not out.exists()


@pytest.mark.extra
def test_the_fewest_layers_in_float_bring_it_back(
    command: Command, fragile_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    done = command("edge-convert", fragile_run, "--out", out, "--keep-float", "auto")
    assert done.code == 0, done.err
    assert "2 layers in float (scores, output)" in done.out
    record = json.loads(out.with_suffix(".conversion.json").read_text())
    assert record["gate"]["passed"]
    assert record["kept_float"]["layers"] == ["scores", "output"]
    assert record["kept_float"]["extra_bytes"] != 0
    assert record["kept_float"]["slowdown"] > 0
    assert record["splits"].keys() == {"validation", "rejection", "test"}
    tested = command("edge-classify", "-m", out, "--self-test")
    assert tested.code == 0


@pytest.mark.slow
def test_channels_of_unlike_ranges_and_constant_backgrounds_do_no_harm(digits_run: Path) -> None:
    """What equalization and bias correction are for, on a run made hard on purpose.

    One channel between two linear layers is 300 times as large and read with a 300th of the weight.
    """
    run = read_run(digits_run)
    model = load_keras_model(run.files.model)
    base = model.layers[2]
    norm, reader = base.get_layer("block_16_project_BN"), base.get_layer("Conv_1")
    gamma, beta, *statistics = norm.get_weights()
    gamma[0], beta[0] = gamma[0] * 300, beta[0] * 300
    norm.set_weights([gamma, beta, *statistics])
    (kernel,) = reader.get_weights()
    kernel[:, :, 0, :] /= 300
    reader.set_weights([kernel])
    data = run.open_data()
    images = read_calibration(run, data, 100).images
    held_out = [fit(data.read(each.file), (32, 32), run.card.resize) for each in run.split("test")]
    expected = FloatScores(model)(held_out)
    targets = np.array([int(each.label) for each in run.split("test")])
    plain = make_room_for_unknowns(calibrate(model, images))
    before, after = (
        compare(
            expected, converted_scores(quantize(each), run.card, held_out), targets, run.card.classes
        ).agreement
        for each in (plain, correct(equalize_channels(plain)))
    )
    assert before < 0.9
    assert after >= 0.98


@pytest.mark.extra
def test_the_layer_report_has_every_layer(command: Command, digits_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.tflite"
    done = command("edge-convert", digits_run, "--out", out, "--layer-report", "--calibrate", "auto")
    assert done.code == 0, done.err
    for method in ("minmax", "percentile", "mse"):
        assert f"calibration {method}: agreement" in done.err
    rows = list(csv.DictReader((tmp_path / "m.layers.csv").read_text().splitlines()))
    assert len(rows) >= 60
    assert rows[0]["layer"] == "Conv1"
    # The debugger works: 8 bits give some 20 to 50 dB, and never more than 60.
    assert all(5 < float(row["snr_db"]) < 60 for row in rows)
    assert decode_image((tmp_path / "m.layers.png").read_bytes(), at_least=0).std() > 10


@pytest.mark.extra
def test_every_precision_is_as_good_as_float(command: Command, digits_run: Path, tmp_path: Path) -> None:
    precisions = ("int8", "int16x8", "float16", "dynamic", "float32")
    out = tmp_path / "m.tflite"
    done = command("edge-convert", digits_run, "--out", out, "--precision", ",".join(precisions))
    assert done.code == 0, done.err
    sizes = {}
    for precision in precisions:
        path = tmp_path / f"m.{precision}.tflite"
        sizes[precision] = path.stat().st_size
        record = json.loads(path.with_suffix(".conversion.json").read_text())
        assert record["held_out"]["agreement"] >= 0.98
        assert check_fit(path.read_bytes(), Runtime.TFLITE_RUNTIME_2_11, name=precision).fits
        engine = open_engine(path.read_bytes(), name=precision)
        assert engine.input.dtype == (np.uint8 if precision == "int8" else np.float32)
        signatures = Interpreter(str(path)).get_signature_list()
        assert signatures == {"serving_default": {"inputs": ["pixels"], "outputs": ["output_0"]}}
    assert sizes["int8"] < sizes["float16"] < sizes["float32"]
    command("edge-convert", digits_run, "--precision", "float16", "--io", "uint8").fails_with(2, "--io uint8")
    command("edge-convert", digits_run, "--precision", "int4").fails_with(2, "int16x8", "int4")
    for option in (("--calibrate", "mse"), ("--qat-steps", 5), ("--keep-float", "auto"), ("--layer-report",)):
        refused = command("edge-convert", digits_run, "--precision", "float16,dynamic", *option)
        refused.fails_with(2, option[0], "for int8 only", "float16,dynamic")


@pytest.mark.slow
@pytest.mark.parametrize("io", ["int8", "float32"])
def test_every_type_of_input_takes_raw_pixels(
    command: Command, digits_run: Path, tmp_path: Path, io: str
) -> None:
    out = tmp_path / "m.tflite"
    done = command("edge-convert", digits_run, "--out", out, "--io", io)
    assert done.code == 0, done.err
    assert open_engine(out.read_bytes(), name=io).input.dtype == np.dtype(io)
    assert json.loads(out.with_suffix(".conversion.json").read_text())["held_out"]["agreement"] >= 0.98


@pytest.mark.slow
def test_the_same_conversion_gives_the_same_bytes_and_a_chain_of_hashes(
    command: Command, digits_run: Path, digits_model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "digits.tflite"
    assert command("edge-convert", digits_run, "--bom", "--out", out).code == 0
    assert out.read_bytes() == digits_model.read_bytes()
    record = json.loads(out.with_suffix(".conversion.json").read_text())
    assert record == json.loads(digits_model.with_suffix(".conversion.json").read_text())
    assert record["model_sha256"] == sha256(out.read_bytes())
    origin = record["provenance"]
    card = read_model_file(out).card
    assert card is not None
    assert card.provenance == origin
    assert origin["keras_sha256"] == sha256((digits_run / "model.keras").read_bytes())
    assert origin["data_fingerprint"] == read_run(digits_run).card.data_fingerprint
    content = out.read_bytes()
    assert origin["tflite_sha256"] == sha256(content[: content.index(b"PK\x03\x04")])
    assert len(record["calibration"]["images"]) == 200
