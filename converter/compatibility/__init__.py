"""Compatibility of a model with runtimes: its operators, the tables of the runtimes, the check."""

from converter.compatibility.operators import Demands, Operator, read_demands
from converter.compatibility.runtime import Fit, Requirement, Runtime, check_fit

__all__ = ["Demands", "Fit", "Operator", "Requirement", "Runtime", "check_fit", "read_demands"]
