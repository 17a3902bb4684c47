"""Options of a command: the fields of one frozen dataclass, a TOML file of them, one `--option` each."""

import dataclasses
import inspect
import tomllib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import typer

from edge_runtime.cli.runner import DEBUG, DEBUG_HELP
from edge_runtime.core.errors import UsageError

Config = TypeVar("Config")


def option(
    default: Any,
    text: str,
    low: float | None = None,
    high: float | None = None,
    *,
    short: str | None = None,
    shown: str | None = None,
) -> Any:
    """Declare a field with its line in `--help`.

    Args:
        default: the value of an option that is not given.
        text: the line in `--help`.
        low: the smallest number allowed.
        high: the largest.
        short: a letter, such as `-m`.
        shown: what `--help` says instead of the default.
    """
    metadata = {"help": text, "low": low, "high": high, "short": short, "shown": shown}
    return dataclasses.field(default=default, metadata=metadata)


def option_name(field: str) -> str:
    """A field's name on the command line, without its dashes."""
    return field.replace("_", "-")


def check_ranges(config: Any) -> None:
    """Refuse numbers outside of the ranges that their fields declare.

    Raises:
        UsageError: with the option, its range and the value.
    """
    for field in dataclasses.fields(config):
        low, high = field.metadata.get("low"), field.metadata.get("high")
        value = getattr(config, field.name)
        if low is not None and value is not None and not low <= value <= high:
            raise UsageError(f"--{option_name(field.name)} must be {low} to {high}, got {value}")


def read_options(path: Path) -> dict[str, object]:
    """The options in a TOML file.

    Raises:
        UsageError: no such file, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not TOML ({error})") from error


def build_config(kind: type[Config], options: Mapping[str, object], command: str) -> Config:
    """Build a configuration from names and values; text and numbers are brought to each field's type.

    Raises:
        UsageError: an unknown name, a wrong type, or a value outside of its range.
    """
    types = get_type_hints(kind)
    unknown = sorted(set(options) - set(types))
    if unknown:
        raise UsageError(f"no option is called {unknown[0]!r}; see {command} --help")
    return kind(**{name: _typed(name, value, types[name]) for name, value in options.items()})


def with_options(
    command: Callable[..., int], config: type, *leading: inspect.Parameter, leave_out: Sequence[str] = ()
) -> Callable[..., int]:
    """Give a command an option for each field of a dataclass, `--config` and `--debug`.

    An option that is not given is None, so that a configuration file's value can stand.

    Args:
        command: gets `config` (the TOML file) and every option by name.
        config: the dataclass.
        leading: further parameters, shown first.
        leave_out: fields that are no options.
    """
    types = get_type_hints(config)
    file = Annotated[
        Path | None, typer.Option(help="TOML file with options; those on the command line override.")
    ]
    parameters = [*leading, parameter("config", file, None)]
    parameters += [
        parameter(field.name, Annotated[_given(types[field.name]), _declare(field, types[field.name])], None)
        for field in dataclasses.fields(config)
        if field.name not in leave_out
    ]
    parameters.append(parameter("debug", Annotated[bool, typer.Option(DEBUG, help=DEBUG_HELP)], False))

    def run(**given: Any) -> int:
        given.pop("debug")  # read before parsing
        return command(**given)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": int}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    """One parameter of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def plain(value: Any) -> Any:
    """An option's value as TOML can hold it."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path | StrEnum) else value


def _given(kind: Any) -> Any:
    return list[str] | None if get_origin(kind) is tuple else _without_none(kind) | None


def _declare(field: dataclasses.Field[Any], kind: Any) -> Any:
    name = option_name(field.name)
    shown = field.metadata["shown"] or _default(name, field.default)
    text = f"{field.metadata['help']} [default: {shown}]" if shown else field.metadata["help"]
    names = [f"--{name}/--no-{name}" if kind is bool else f"--{name}"]
    names += [field.metadata["short"]] if field.metadata["short"] else []
    return typer.Option(*names, help=text, show_default=False)


def _default(name: str, default: Any) -> str:
    if isinstance(default, bool):
        return name if default else ""
    if default is None or default == ():
        return ""
    return str(default.value if isinstance(default, StrEnum) else default)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return next(each for each in get_args(kind) if each is not type(None))
    return kind


def _typed(name: str, value: Any, kind: Any) -> Any:
    kind = _without_none(kind)
    if get_origin(kind) is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise UsageError(f"{name} must be a list of texts, got {value!r}")
        return tuple(value)
    choices = f", one of {', '.join(kind)}" if issubclass(kind, StrEnum) else ""
    wrong = UsageError(f"{name} must be {kind.__name__}{choices}, got {value!r}")
    if kind in (bool, int, str) and type(value) is not kind:
        raise wrong
    try:
        return kind(value)
    except (TypeError, ValueError) as error:
        raise wrong from error
