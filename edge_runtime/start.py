"""The console scripts: Ctrl-C and SIGTERM end a command properly also while it imports its libraries."""

import gc
import os
import signal
from importlib import import_module
from types import FrameType
from typing import NoReturn

_DONE, _USAGE, _INTERRUPTED = 0, 2, 130
"""`ExitCode` is not imported yet."""

_WORKSTATION = ("trainer", "converter", "benchmarks.search_cli")
"""What the device's wheel does not hold."""


def edge_bench() -> None:
    """`edge-bench`."""
    _start("benchmarks.cli", "edge-bench")


def edge_check() -> None:
    """`edge-check`."""
    _start("converter.check_cli", "edge-check")


def edge_classify() -> None:
    """`edge-classify`."""
    _use_one_thread_for_blas()
    _start("edge_runtime.cli.classify", "edge-classify")


def edge_collect() -> None:
    """`edge-collect`."""
    _use_one_thread_for_blas()
    _start("edge_runtime.cli.collect", "edge-collect")


def edge_convert() -> None:
    """`edge-convert`."""
    _start("converter.cli", "edge-convert")


def edge_data() -> None:
    """`edge-data`."""
    _start("trainer.data_cli", "edge-data")


def edge_doctor() -> None:
    """`edge-doctor`."""
    _start("edge_runtime.cli.doctor", "edge-doctor")


def edge_label() -> None:
    """`edge-label`."""
    _start("trainer.label_cli", "edge-label")


def edge_search() -> None:
    """`edge-search`."""
    _start("benchmarks.search_cli", "edge-search")


def edge_sign() -> None:
    """`edge-sign`."""
    _start("edge_runtime.cli.sign", "edge-sign")


def edge_train() -> None:
    """`edge-train`."""
    _start("trainer.cli", "edge-train")


def _use_one_thread_for_blas() -> None:
    """Keep numpy from starting a thread a core for matrix products, which a device's commands do not need.

    These threads wait in a loop: a quarter of the processor time of `edge-classify` on one image.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _start(module: str, name: str) -> None:
    """Run `main` of a module, which replaces both handlers (`run_app`)."""

    def interrupted(_signal: int, _frame: FrameType | None) -> NoReturn:
        os.write(2, f"{name}: interrupted\n".encode())
        os._exit(_INTERRUPTED)

    # A shell that starts a command in the background ignores SIGINT, and so must the command.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(_DONE))
    # What modules are made of is never garbage, and looking for it takes processor time again and again.
    gc.disable()
    try:
        main = import_module(module).main
    except ModuleNotFoundError as error:
        from edge_runtime.core import NEEDED_BY_ENGINES, module_advice

        if error.name not in _WORKSTATION + NEEDED_BY_ENGINES:
            raise
        os.write(2, f"{name}: {module_advice(error.name)}\n".encode())
        raise SystemExit(_USAGE) from None
    gc.freeze()
    gc.enable()
    main()
