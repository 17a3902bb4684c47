"""The toolkit's own speed and memory: each measured beside something else in the same run, with its limit."""

from benchmarks.studies.bars.bar import Bar, bars_table
from benchmarks.studies.bars.device import measure_device
from benchmarks.studies.bars.workstation import measure_photos, measure_workstation

__all__ = ["Bar", "bars_table", "measure_device", "measure_photos", "measure_workstation"]
