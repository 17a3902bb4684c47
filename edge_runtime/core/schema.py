"""The one schema layer: JSON and TOML into frozen dataclasses, checked by their types, and back.

pydantic does the checking; it is imported when something is read or written. A type that is read may set
`__pydantic_config__`, see `CLOSED` and `OPEN`.
"""

import json
from collections.abc import Hashable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from edge_runtime.core.errors import EdgeError
from edge_runtime.core.text import is_text, one_line

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Value = TypeVar("Value")

_COMMON: dict[str, Any] = {"allow_inf_nan": False, "ser_json_bytes": "base64", "val_json_bytes": "base64"}
# pydantic takes nothing but a dict here.
CLOSED: dict[str, Any] = {**_COMMON, "extra": "forbid"}
"""Configuration of a type whose JSON may have no other fields."""

OPEN: dict[str, Any] = {**_COMMON, "extra": "ignore"}
"""Configuration of a type whose JSON may have fields of later versions, which are ignored."""


def from_json(text: bytes | str, kind: type[Value], *, name: str, error: type[EdgeError]) -> Value:
    """Read JSON into a value of a type.

    Args:
        text: the JSON document, UTF-8.
        kind: a dataclass.
        name: how messages call the document.
        error: the kind of error to raise.

    Raises:
        EdgeError: of that kind, in one line: not JSON, NaN, a duplicate key, nested too deeply, text that is
            not UTF-8, a missing or unknown field, or a value of the wrong type.
    """
    return from_parsed(parse_json(text, name=name, error=error), kind, name=name, error=error)


def parse_json(text: bytes | str, *, name: str, error: type[EdgeError]) -> Any:
    """Parse JSON strictly; see `from_json` for what is refused. The types are not checked."""
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as reason:
        raise error(f"{name}: not valid JSON ({one_line(reason):.120})") from reason


def from_parsed(content: Any, kind: type[Value], *, name: str, error: type[EdgeError]) -> Value:
    """Turn parsed JSON or TOML into a value of a type; see `from_json`."""
    import pydantic

    try:
        # As JSON, since pydantic then takes lists for tuples and text for enumerations, and converts nothing.
        text = json.dumps(content, allow_nan=False, ensure_ascii=False)
        if not is_text(text):
            raise ValueError("text that is not UTF-8: half of a surrogate pair")
        value: Value = _adapter(cast("Hashable", kind)).validate_json(text, strict=True)
    except pydantic.ValidationError as reason:
        raise error(f"{name}: {_first_problem(reason)}") from reason
    except (TypeError, ValueError, RecursionError) as reason:
        raise error(f"{name}: {one_line(reason):.120}") from reason
    return value


def to_json(value: object, *, indent: int | None = None) -> str:
    """A dataclass as JSON; bytes are written as Base64. `from_json` reads it back."""
    content = _adapter(cast("Hashable", type(value))).dump_python(value, mode="json")
    return json.dumps(content, indent=indent, ensure_ascii=False)


def json_schema(kind: type) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of what `to_json` writes of a type."""
    return _adapter(kind).json_schema(mode="serialization")


@cache
def _adapter(kind: "Hashable") -> "TypeAdapter[Any]":
    from pydantic import TypeAdapter

    return TypeAdapter(cast(Any, kind))


def _first_problem(reason: Any) -> str:
    """The first problem of a `pydantic.ValidationError`, as `field.inner: what is wrong (got …)`."""
    problem, *others = reason.errors(include_url=False, include_context=False)
    place = ".".join(str(part) for part in problem["loc"])
    more = f", and {len(others)} more" if others else ""
    got = f" (got {one_line(repr(problem['input'])):.60})" if problem["type"] != "missing" else ""
    message = problem["msg"].removeprefix("Value error, ")
    return f"{place}: {message}{got}{more}" if place else f"{message}{got}{more}"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"duplicate key {name!r:.60}")
        found[name] = value
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")
