"""Options of a command: the fields of one frozen dataclass, read from a TOML file and the command line."""

import dataclasses
import inspect
import keyword
import tomllib
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from edge_runtime.core.errors import UsageError
from edge_runtime.core.files import read_file
from edge_runtime.core.schema import from_parsed

Config = TypeVar("Config")

DEBUG = "--debug"
DEBUG_HELP = "Show the traceback of an error, and what the libraries print."
VERSION = "--version"
VERSION_HELP = "Show the version and end."
MAX_CONFIG_BYTES = 1024**2
OTHER_PANEL = "Configuration"


def option(
    default: Any,
    text: str,
    low: float | None = None,
    high: float | None = None,
    *,
    panel: str,
    short: str | None = None,
    shown: str | None = None,
    changeable: bool = False,
) -> Any:
    """Declare a field with its line in `--help`.

    Args:
        default: the value of an option that is not given.
        text: the line in `--help`.
        low: the smallest number allowed.
        high: the largest.
        panel: the group of `--help` that it belongs to.
        short: a letter, such as `-m`.
        shown: what `--help` shows instead of the default.
        changeable: the value may be another one when interrupted work is continued.
    """
    metadata = {
        "help": text, "low": low, "high": high, "short": short, "shown": shown, "panel": panel,
        "changeable": changeable,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


def option_name(field: str) -> str:
    """A field's name on the command line, without its dashes; a keyword of Python has `_` after it."""
    return field.rstrip("_").replace("_", "-")


def check_ranges(config: Any) -> None:
    """Refuse numbers outside the ranges that their fields declare.

    Raises:
        UsageError: with the option, its range and the value.
    """
    for field in dataclasses.fields(config):
        low, high = field.metadata.get("low"), field.metadata.get("high")
        value = getattr(config, field.name)
        values = value if isinstance(value, tuple) else (value,)
        if low is not None and not all(each is None or low <= each <= high for each in values):
            raise UsageError(f"--{option_name(field.name)} must be {low} to {high}, got {value}")


def read_options(path: Path, kind: type, command: str) -> dict[str, Any]:
    """Read options from a TOML file.

    Args:
        path: the file.
        kind: the dataclass whose fields are the options.
        command: the command that has them.

    Returns:
        The options by field, with the types of the fields.

    Raises:
        UsageError: no such file, not TOML, an unknown option, or a value of the wrong type.
    """
    content = read_file(path, max_bytes=MAX_CONFIG_BYTES, error=UsageError)
    try:
        options = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML ({error})") from error
    fields = {f"{name}_" if keyword.iskeyword(name) else name: value for name, value in options.items()}
    return _check_types(fields, kind, command, str(path))


def parse_options(options: Mapping[str, Any], kind: type[Config], command: str, *, name: str) -> Config:
    """Build a configuration from parsed JSON, with the types of the fields.

    Args:
        options: by field.
        kind: the dataclass.
        command: the command that has them.
        name: how messages call the document.

    Raises:
        UsageError: an unknown option, or a value of the wrong type or outside its range.
    """
    return build_config(kind, _check_types(options, kind, command, name), command)


def _check_types(options: Mapping[str, Any], kind: type, command: str, name: str) -> dict[str, Any]:
    types = get_type_hints(kind)
    check_names(options, types, command)
    return {
        field: from_parsed(value, types[field], name=f"{name}: {field}", error=UsageError)
        for field, value in options.items()
    }


def build_config(kind: type[Config], options: Mapping[str, Any], command: str) -> Config:
    """Build a configuration from names and values of the fields' types.

    Raises:
        UsageError: an unknown name, a required one that is missing, or a value outside its range.
    """
    check_names(options, get_type_hints(kind), command)
    for field in dataclasses.fields(cast(Any, kind)):
        if field.default is dataclasses.MISSING and field.name not in options:
            raise UsageError(
                f"name the {field.name}: {command} {field.name.upper()}, or `{field.name} = …` in the "
                "configuration file"
            )
    return kind(**{name: tuple(each) if isinstance(each, list) else each for name, each in options.items()})


def check_names(options: Mapping[str, Any], known: Mapping[str, Any], command: str) -> None:
    """Refuse options that a command does not have.

    Raises:
        UsageError: with the first of them.
    """
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UsageError(f"there is no option {unknown[0]!r}; see {command} --help")


def with_options(
    command: Callable[..., int],
    kind: type,
    *leading: inspect.Parameter,
    name: str,
    examples: Sequence[str] = (),
    defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda _given: {},
) -> Callable[..., int]:
    """Give a command an option for each field of a dataclass, `--config`, `--debug` and `--version`.

    Args:
        command: called with the configuration, and with the leading parameters that are not its fields.
        kind: the dataclass.
        leading: parameters shown first; one with the name of a field replaces its option.
        name: the command's, for messages.
        examples: command lines shown on top of the help.
        defaults: from the given options to the options that are used where `--config` is not given.
    """
    import typer

    types = get_type_hints(kind)
    config_option = Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="TOML file with options; options of the command line override it.",
            rich_help_panel=OTHER_PANEL,
            show_default=False,
        ),
    ]
    parameters = list(leading)
    parameters += [
        parameter(field.name, Annotated[_given(types[field.name]), _declare(field, types[field.name])], None)
        for field in dataclasses.fields(kind)
        if field.name not in {each.name for each in leading}
    ]
    parameters.append(parameter("config", config_option, None))
    debug = typer.Option(DEBUG, help=DEBUG_HELP, rich_help_panel=OTHER_PANEL)
    parameters.append(parameter("debug", Annotated[bool, debug], False))
    version = typer.Option(VERSION, help=VERSION_HELP, rich_help_panel=OTHER_PANEL)
    parameters.append(parameter("version", Annotated[bool, version], False))

    def run(config: Path | None = None, **given: Any) -> int:
        del given["debug"], given["version"]  # read before parsing
        others = {each: given.pop(each) for each in list(given) if each not in types}
        options = read_options(config, kind, name) if config else dict(defaults(given))
        options |= {each: value for each, value in given.items() if value is not None}
        return command(build_config(kind, options, name), **others)

    run.__doc__ = help_text(command.__doc__ or "", examples)
    run.__name__ = command.__name__
    run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": int}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return run


def help_text(purpose: str, examples: Sequence[str]) -> str:
    """The text above a command's options: what it does, then example command lines."""
    if not examples:
        return purpose
    # Typer keeps the line breaks of a paragraph that begins with \b.
    return "\n\n".join([purpose, "\b\n" + "\n".join(f"  {example}" for example in examples)])


def parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    """One parameter of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def plain(value: Any) -> Any:
    """An option's value as TOML can hold it."""
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path | StrEnum) else value


def _given(kind: Any) -> Any:
    """The type of an option that may be missing, so that a configuration file's value is used then."""
    if get_origin(kind) is tuple:
        return list[get_args(kind)[0]] | None  # type: ignore[misc]
    return _without_none(kind) | None


def _declare(field: dataclasses.Field[Any], kind: Any) -> Any:
    import typer

    name = option_name(field.name)
    shown = field.metadata["shown"] or _default(field.default)
    text = _escape(field.metadata["help"])
    text += f" [dim]{_escape(f'[default: {shown}]')}[/dim]" if shown else ""
    on_by_default = kind is bool and field.default
    names = [f"--{name}/--no-{name}" if on_by_default else f"--{name}"]
    names += [field.metadata["short"]] if field.metadata["short"] else []
    return typer.Option(*names, help=text, show_default=False, rich_help_panel=field.metadata["panel"])


def _default(default: Any) -> str:
    if isinstance(default, bool):
        return "on" if default else ""
    if default is None or default == ():
        return ""
    values = default if isinstance(default, tuple) else (default,)
    return ", ".join(str(each.value if isinstance(each, StrEnum) else each) for each in values)


def _escape(text: str) -> str:
    """Text in which rich finds no markup."""
    return text.replace("[", r"\[")


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return next(each for each in get_args(kind) if each is not type(None))
    return kind
