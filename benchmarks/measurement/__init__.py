"""Measurement: environment, evaluation set, processes of targets, timing in turns, statistics."""

from benchmarks.measurement.environment import (
    Machine,
    MachineState,
    describe_machine,
    read_energy,
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
    ratio_of_rounds,
    summarize,
)
from benchmarks.measurement.timing import Measured, Measurements, TimingPlan, measure, time_in_turns

__all__ = [
    "EvaluationSet",
    "ImageSet",
    "Interval",
    "Machine",
    "MachineState",
    "Measured",
    "Measurements",
    "Samples",
    "Summary",
    "TargetGoneError",
    "TimingPlan",
    "change_of_time",
    "compare_answers",
    "confusion_matrix",
    "describe_machine",
    "difference_of_fractions",
    "find_evaluation_set",
    "find_unknowns",
    "fraction",
    "measure",
    "ratio_of_rounds",
    "read_energy",
    "read_state",
    "summarize",
    "time_in_turns",
    "warnings",
]
