"""Measurement: environment, energy, evaluation set, processes of targets, timing in turns, statistics."""

from benchmarks.measurement.energy import open_meter, spent
from benchmarks.measurement.environment import (
    Machine,
    MachineState,
    describe_machine,
    read_state,
    warnings,
)
from benchmarks.measurement.evaluation_set import (
    EvaluationSet,
    ImageSet,
    find_evaluation_set,
    find_unknowns,
)
from benchmarks.measurement.processes import TargetGoneError
from benchmarks.measurement.statistics import (
    Interval,
    Samples,
    Summary,
    change_of_time,
    compare_answers,
    confusion_matrix,
    difference_of_fractions,
    fraction,
    ratio_of_medians,
    ratio_of_rounds,
    summarize,
    undisturbed,
)
from benchmarks.measurement.sustained import Moment, Sustained
from benchmarks.measurement.timing import Measured, Measurements, TimingPlan, measure, time_in_turns
from benchmarks.measurement.usage import Usage, processes_below, usage_of

__all__ = [
    "EvaluationSet",
    "ImageSet",
    "Interval",
    "Machine",
    "MachineState",
    "Measured",
    "Measurements",
    "Moment",
    "Samples",
    "Summary",
    "Sustained",
    "TargetGoneError",
    "TimingPlan",
    "Usage",
    "change_of_time",
    "compare_answers",
    "confusion_matrix",
    "describe_machine",
    "difference_of_fractions",
    "find_evaluation_set",
    "find_unknowns",
    "fraction",
    "measure",
    "open_meter",
    "processes_below",
    "ratio_of_medians",
    "ratio_of_rounds",
    "read_state",
    "spent",
    "summarize",
    "time_in_turns",
    "undisturbed",
    "usage_of",
    "warnings",
]
