"""What is measured: the Keras model, model files, other programs, and a yardstick; a registry loads them."""

from benchmarks.targets.operator_times import OperatorTime
from benchmarks.targets.peers import PEERS
from benchmarks.targets.registry import check_labels, load_target, plan_keras, plan_models, plan_readers
from benchmarks.targets.spec import Kind, Reader, Steps, Target, TargetSpec

__all__ = [
    "PEERS",
    "Kind",
    "OperatorTime",
    "Reader",
    "Steps",
    "Target",
    "TargetSpec",
    "check_labels",
    "load_target",
    "plan_keras",
    "plan_models",
    "plan_readers",
]
