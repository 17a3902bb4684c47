"""systemd: the unit file of the service, and the notifications (ready, watchdog, status) of a running one."""

import getpass
import os
import re
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_runtime.core import ExitCode, clock, printable

STATUS_EVERY = 5.0
WATCHDOG_SECONDS = 60
_IN_TMP = re.compile(r"(?:^|[=:,])/(?:var/)?tmp(?:/|$)")

_UNIT = """\
[Unit]
Description=edge-classify ({title})
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart={command}
WorkingDirectory={folder}
User={user}
SupplementaryGroups=video
StateDirectory=edge-classify
# The watchdog follows the work, not the camera: an unplugged camera is waited for.
WatchdogSec={watchdog}
TimeoutStartSec=infinity
TimeoutStopSec=10
Restart=always
RestartSec=5
# Starting again does not help with wrong options or an unusable model.
RestartPreventExitStatus={permanent}
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=multi-user.target
"""


def unit_file(arguments: Sequence[str], *, title: str) -> str:
    """The systemd unit that runs `edge-classify` with these arguments, here, as this user.

    Args:
        arguments: of the command line, without `--print-service`.
        title: shown by systemctl.
    """
    program = shutil.which(sys.argv[0]) or sys.argv[0]
    words = [str(Path(program).absolute()), *arguments]
    return _UNIT.format(
        title=title.replace("%", "%%"),
        command=" ".join(_quote(word) for word in words),
        folder=str(Path.cwd()).replace("%", "%%"),
        user=_user(),
        watchdog=WATCHDOG_SECONDS,
        permanent=f"{ExitCode.USAGE:d} {ExitCode.MODEL:d}",
    )


def hidden_words(arguments: Sequence[str]) -> list[str]:
    """The arguments and the working folder that the unit cannot see, since its /tmp is private."""
    return [word for word in (*arguments, str(Path.cwd())) if _IN_TMP.search(word)]


class Notifier:
    """Sends the ready, watchdog and status messages of a service; does nothing without systemd.

    The protocol is that of sd_notify(3): datagrams to the socket that `$NOTIFY_SOCKET` names.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket's name is given with @ for its zero byte.
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if name else None
        if self._socket:
            self._socket.setblocking(False)
        limit = environment.get("WATCHDOG_USEC", "")
        # As systemd advises: at half of the limit.
        self._beat_every = int(limit) / 2e6 if limit.isdecimal() else None
        self._beat_at = clock.now()
        self._status_at = clock.now()
        self._ready = False

    def ready(self) -> None:
        """Report, once, that the first result has been written."""
        if not self._ready:
            self._ready = True
            self._send("READY=1")

    def beat(self) -> None:
        """Report that the loop makes progress; sent as often as the watchdog needs it."""
        if self._beat_every is not None and clock.now() >= self._beat_at:
            self._beat_at = clock.now() + self._beat_every
            self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Set the line of `systemctl status`, at most every few seconds."""
        if clock.now() >= self._status_at:
            self._status_at = clock.now() + STATUS_EVERY
            # A line break would begin another message to systemd.
            self._send(f"STATUS={printable(text)}")

    def stopping(self) -> None:
        """Report that the service is about to end: the last message."""
        self._send("STOPPING=1")
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError:
            return  # systemd is busy or gone: the loop must not wait for it


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no passwd entry
        return str(os.getuid())


def _quote(word: str) -> str:
    """One word of ExecStart (systemd.service(5), COMMAND LINES)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = escaped.replace("\n", "\\n")
    plain = all(character.isalnum() or character in "-_./:=,@+%" for character in word)
    return escaped if plain and word else f'"{escaped}"'
