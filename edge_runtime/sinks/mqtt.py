"""Publish results to an MQTT broker, without ever waiting for it."""

import contextlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from edge_runtime.core import MissingLibraryError, Result, Say, UsageError, clock, sha256
from edge_runtime.drift import DriftStatus
from edge_runtime.sinks.base import RunSnapshot, SinkBase
from edge_runtime.sinks.json_lines import to_dict
from edge_runtime.update import UpdateStatus

PORTS = {"mqtt": 1883, "mqtts": 8883}
QUEUE = 200
"""Largest number of messages that wait for the broker; more are dropped and counted."""

KEEP_ALIVE = 15
STOP_SECONDS = 1.0
"""Seconds that paho's thread gets to end."""

CLOSE_SECONDS = 2.0
"""Seconds that the broker gets at the end to answer and to take what is queued."""


@dataclass(frozen=True)
class Broker:
    """Where results are published.

    Attributes:
        host: name or address.
        port: 1883, or 8883 with TLS, where none is given.
        topic: below it are `result`, `drift`, `update` and `status`.
        user: None for an anonymous connection.
        password: from a file or from the environment, never from a command line.
        tls: whether the connection is encrypted, and the broker's certificate checked.
        ca_file: the certificates to check it with; the system's when None.
        discovery: Home Assistant's discovery prefix; None for no discovery.
    """

    host: str
    port: int
    topic: str
    user: str | None = None
    password: str | None = None
    tls: bool = False
    ca_file: Path | None = None
    discovery: str | None = None

    @classmethod
    def parse(
        cls, url: str, *, password: str | None, ca_file: Path | None = None, discovery: str | None = None
    ) -> "Broker":
        """Read `mqtt[s]://[USER@]HOST[:PORT][/TOPIC]`.

        Raises:
            UsageError: it is something else, or contains a password, which every user could read.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or PORTS[parts.scheme]
        except (ValueError, KeyError) as error:
            raise UsageError(
                f"an MQTT broker is mqtt[s]://[USER@]HOST[:PORT][/TOPIC], got {url!r}"
            ) from error
        if parts.password is not None:
            raise UsageError(
                "no password in the URL, others can read it there: use $EDGE_MQTT_PASSWORD or "
                "--mqtt-password-file"
            )
        topic = parts.path.strip("/") or "edge-classify"
        if discovery is not None and (
            not discovery.strip("/") or any(character in discovery for character in "#+\0")
        ):
            raise UsageError(
                f"--mqtt-discovery takes a topic without # and + such as homeassistant; got {discovery!r}"
            )
        if not parts.hostname or any(character in url.partition("://")[2] for character in "#+?"):
            raise UsageError(f"an MQTT broker is mqtt[s]://[USER@]HOST[:PORT][/TOPIC], got {url!r}")
        return cls(
            host=parts.hostname,
            port=port,
            topic=topic,
            user=unquote(parts.username) if parts.username else None,
            password=password,
            tls=parts.scheme == "mqtts",
            ca_file=ca_file,
            discovery=discovery,
        )


class MqttSink(SinkBase):
    """Publishes results as JSON on `TOPIC/result`, and `online` or `offline`, retained, on `TOPIC/status`.

    Whether the frames differ from the held-out images is on `TOPIC/drift`, and the versions of the model are
    on `TOPIC/update`, retained, whenever that changes.

    The broker says `offline` when this process dies (Last Will). While there is no broker, messages are
    queued up to `QUEUE` and then dropped; paho connects again by itself, after 1 to 60 seconds.

    Args:
        broker: where results are published.
        say: shows a line when the connection is lost, is back, or is refused.
        retain: whether the broker keeps the last result for those who come later, which is right for results
            that come only at a change.
        updates: whether the model is updated, so that Home Assistant gets an entity for it.

    Raises:
        MissingLibraryError: paho-mqtt is not installed.
        UsageError: the certificates cannot be used.
    """

    def __init__(self, broker: Broker, *, say: Say, retain: bool = False, updates: bool = False) -> None:
        try:
            import paho.mqtt.client as paho
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise MissingLibraryError("MQTT needs a library: pip install paho-mqtt") from error
        self._dropped = 0
        self._broker = broker
        self._say = say
        self._retain = retain
        self._updates = updates
        self._paho: Any = paho
        self.name = f"{broker.host}:{broker.port}"
        self._drift: DriftStatus | None = None
        self._update: UpdateStatus | None = None
        self._complained = False
        self._closed = False
        self._turn = threading.Lock()
        self._online = threading.Event()
        self._gone = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._configure()
        self._client.connect_async(broker.host, broker.port, KEEP_ALIVE)
        self._client.loop_start()

    def emit(self, result: Result) -> None:
        """Queue one result; never waits."""
        # With QoS 1 paho keeps a message until the broker confirms it, and counts those: a broker that takes
        # connections but never reads fills the queue and no more.
        message = json.dumps(to_dict(result), ensure_ascii=False).encode("utf-8", "backslashreplace")
        info = self._client.publish(f"{self._broker.topic}/result", message, qos=1, retain=self._retain)
        if info.rc == self._paho.MQTT_ERR_QUEUE_SIZE:
            self._dropped += 1

    def publish(self, snapshot: RunSnapshot) -> None:
        """See `Monitor.publish`: drift and the versions of the model are published when they change."""
        if snapshot.update is not None and snapshot.update != self._update:
            with self._turn:
                self._update = snapshot.update
                if self._online.is_set():
                    self._publish_update(snapshot.update)
        if snapshot.drift is None:
            return
        if self._drift is not None and snapshot.drift.changes == self._drift.changes:
            return
        with self._turn:
            self._drift = snapshot.drift
            if self._online.is_set():
                self._publish_drift(snapshot.drift)

    def close(self) -> None:
        """Give the broker a moment to take what is queued, publish `offline`, and end."""
        deadline = clock.now() + CLOSE_SECONDS
        if not self._complained:  # one image is classified sooner than a connection is made
            self._online.wait(CLOSE_SECONDS)
        with self._turn:
            self._closed = True
            online = self._online.is_set()
        if online:
            self._publish_offline(deadline)
        self._client.disconnect()
        if online:
            self._gone.wait(max(0.1, deadline - clock.now()))
        # A thread of paho's that is still in OpenSSL while the interpreter ends can crash the process. But
        # loop_stop() waits for a broker that no longer reads: so it gets a limited time.
        stopping = threading.Thread(target=self._client.loop_stop, daemon=True)
        stopping.start()
        stopping.join(STOP_SECONDS)

    @property
    def dropped(self) -> int:
        """See `QueueingSink.dropped`."""
        return self._dropped

    def _publish_drift(self, drift: DriftStatus) -> None:
        # QoS 0, like the status: at a new connection it is published again.
        message = {
            "drift": bool(drift.changes),
            "changes": drift.changes,
            "message": drift.message,
            "running": drift.running,
            "reference": drift.reference,
        }
        self._client.publish(f"{self._broker.topic}/drift", json.dumps(message), qos=0, retain=True)

    def _publish_update(self, update: UpdateStatus) -> None:
        message = {
            "installed_version": update.installed,
            "latest_version": update.available,
            "state": update.state,
        }
        self._client.publish(f"{self._broker.topic}/update", json.dumps(message), qos=0, retain=True)

    def _publish_offline(self, deadline: float) -> None:
        # Confirmed after all results; without confirmation where the queue is full or does not move.
        for qos in (1, 0):
            with contextlib.suppress(RuntimeError, ValueError):  # lost just now: the Last Will publishes it
                offline = self._client.publish(self._status, "offline", qos=qos, retain=True)
                offline.wait_for_publish(max(0.1, deadline - clock.now()))
                if offline.is_published():
                    return

    @property
    def _status(self) -> str:
        return f"{self._broker.topic}/status"

    def _configure(self) -> None:
        broker, client = self._broker, self._client
        client.max_queued_messages_set(QUEUE)
        client.reconnect_delay_set(1, 60)
        client.will_set(self._status, "offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        no_answer = "no answer" + (", or its certificate is not accepted" if broker.tls else "")
        client.on_connect_fail = lambda *_: self._complain(no_answer)
        if broker.user:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            import ssl

            try:
                client.tls_set_context(
                    ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
                )
            except (OSError, ssl.SSLError) as error:
                raise UsageError(f"--mqtt-ca {broker.ca_file}: cannot be used ({error})") from error

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._complain(f"the broker refuses the connection ({reason})")
            return
        with self._turn:
            if self._closed:  # `online` would stay the last message
                return
            # QoS 0: it is sent at once, also when the queue of results is full.
            client.publish(self._status, "online", qos=0, retain=True)
            for topic, payload in self._discoveries():
                client.publish(topic, json.dumps(payload), qos=0, retain=True)
            if self._drift is not None:
                self._publish_drift(self._drift)
            if self._update is not None:
                self._publish_update(self._update)
            self._complained = False
            self._gone.clear()
            self._online.set()
        self._say(f"mqtt {self.name}: connected, results on {self._broker.topic}/result")

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._online.clear()
        self._gone.set()
        if reason.is_failure:
            self._complain(f"the connection is lost ({reason})")

    def _complain(self, reason: str) -> None:
        if not self._complained:
            self._complained = True
            self._say(f"mqtt {self.name}: {reason}; classification continues, connecting again")

    def _discoveries(self) -> list[tuple[str, dict[str, Any]]]:
        """Home Assistant's description of the entities, https://www.home-assistant.io/integrations/mqtt/."""
        broker = self._broker
        if broker.discovery is None:
            return []
        # Home Assistant takes ASCII letters, digits, - and _; topics in other letters must stay distinct.
        plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in broker.topic)
        suffix = "" if broker.topic.isascii() else f"_{sha256(broker.topic.encode())[:6]}"
        identity = f"edge_classify_{plain}{suffix}"
        common = {
            "availability_topic": self._status,
            "device": {"identifiers": [identity], "name": broker.topic, "model": "edge-classify"},
        }
        answer = {
            "name": "Answer",
            "unique_id": identity,
            "state_topic": f"{broker.topic}/result",
            "value_template": "{{ value_json.answer }}",
            "json_attributes_topic": f"{broker.topic}/result",
        }
        drift = {
            "name": "Drift",
            "unique_id": f"{identity}_drift",
            "state_topic": f"{broker.topic}/drift",
            "value_template": "{{ 'ON' if value_json.drift else 'OFF' }}",
            "json_attributes_topic": f"{broker.topic}/drift",
            "device_class": "problem",
            "entity_category": "diagnostic",
        }
        found = [
            (f"{broker.discovery}/sensor/{identity}/config", answer | common),
            (f"{broker.discovery}/binary_sensor/{identity}_drift/config", drift | common),
        ]
        if self._updates:
            # Without a command topic: the device updates itself.
            update = {
                "name": "Model",
                "unique_id": f"{identity}_update",
                "state_topic": f"{broker.topic}/update",
                "json_attributes_topic": f"{broker.topic}/update",
                "entity_category": "diagnostic",
            }
            found.append((f"{broker.discovery}/update/{identity}_update/config", update | common))
        return found
