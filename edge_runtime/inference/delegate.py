"""Delegates: libraries that run operators in place of the interpreter, such as the Edge TPU's."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from edge_runtime.core import UsageError

_FUNCTIONS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")


@dataclass(frozen=True)
class Delegate:
    """A library that runs operators in place of the interpreter, such as `libedgetpu.so.1`.

    Attributes:
        library: its file.
        options: of the library, by name.
    """

    library: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `LIBRARY[,NAME=VALUE…]`.

        Raises:
            UsageError: an option without a value.
        """
        library, *pairs = text.split(",")
        if not library or not all("=" in pair for pair in pairs):
            raise UsageError(f"--delegate takes LIBRARY[,NAME=VALUE…] such as libedgetpu.so.1; got {text!r}")
        return cls(library, MappingProxyType(dict(pair.split("=", 1) for pair in pairs)))


def load_delegate(module: Any, delegate: Delegate) -> Any:
    """Load a delegate's library with an interpreter's module.

    Raises:
        UsageError: it cannot be loaded, or is not a delegate.
    """
    try:
        # The interpreter's own attempt would leave a half-built object whose destructor fails.
        library = ctypes.CDLL(delegate.library)
        for function in _FUNCTIONS:
            if not hasattr(library, function):
                raise ValueError(f"not a delegate, {function} is missing")
        return module.load_delegate(delegate.library, dict(delegate.options))
    except (OSError, ValueError) as error:
        raise UsageError(f"--delegate {delegate.library}: cannot be loaded: {error!s:.200}") from error
