"""Messages as lines of text: the name of the message, a space, and its fields as JSON."""

from benchmarks.measurement.messages import MESSAGES, Message
from edge_runtime.core import UsageError, from_json, to_json


def format_message(message: Message) -> str:
    """A message as one line."""
    return f"{type(message).__name__} {to_json(message)}\n"


def parse_message(line: str) -> Message:
    """Read a line that `format_message` wrote.

    Raises:
        UsageError: malformed.
    """
    name, _space, fields = line.partition(" ")
    if name not in MESSAGES:
        raise UsageError(f"no message is called {name!r:.40}")
    return from_json(fields, MESSAGES[name], name=name, error=UsageError)
