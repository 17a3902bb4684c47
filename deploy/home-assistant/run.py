"""The add-on: its options and Home Assistant's MQTT broker become a command line of edge-classify.

The Supervisor writes the options to /data/options.json and tells the broker at http://supervisor/services/mqtt.
"""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

CONFIG, DATA = Path("/config"), Path("/data")
PORT = 8080


def main() -> None:
    """Become edge-classify."""
    options = json.loads((DATA / "options.json").read_text(encoding="utf-8"))
    broker = mqtt_broker()
    secret = {"EDGE_MQTT_PASSWORD": str(broker.get("password", ""))}
    if options.get("preview_token"):
        secret["EDGE_PREVIEW_TOKEN"] = options["preview_token"]
    words = command_line(options, broker)
    os.execvpe(words[0], words, {**os.environ, **secret})  # noqa: S606 - ours


def mqtt_broker() -> Mapping[str, Any]:
    """Host, port, username and password of Home Assistant's broker; a message and the end without one."""
    address = os.environ.get("EDGE_SUPERVISOR_MQTT", "http://supervisor/services/mqtt")
    token = os.environ.get("SUPERVISOR_TOKEN", "")
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the Supervisor's
            return dict(json.load(answer)["data"])
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"Home Assistant offers no MQTT broker ({error}): install and start the Mosquitto add-on")


def command_line(options: Mapping[str, Any], broker: Mapping[str, Any]) -> list[str]:
    """The command for the options of the add-on.

    Args:
        options: those of config.yaml.
        broker: `host`, `port`, `username`, `ssl`.
    """
    camera = options["input"].isdecimal() or options["input"].startswith(("/dev/", "picamera2"))
    scheme = "mqtts" if broker.get("ssl") else "mqtt"
    user = f"{quote(broker['username'], safe='')}@" if broker.get("username") else ""
    words = ["edge-classify", "-m", str(CONFIG / options["model"])]
    words += ["--camera" if camera else "--input", options["input"], "--wait", "--on-change"]
    words += ["--threshold", str(options["threshold"]), "--smooth", str(options["smooth"])]
    words += ["--to", f"{scheme}://{user}{broker['host']}:{broker['port']}/{options['topic']}"]
    words += ["--mqtt-discovery", "homeassistant", "--preview", str(PORT)]
    # Home Assistant's watchdog asks from outside of the container. Without a token one is made up.
    words += ["--preview-host", "0.0.0.0"]  # noqa: S104
    if options["save_frames"]:
        words += ["--save-frames", str(CONFIG / "frames")]
    return [*words, *options["arguments"]]


if __name__ == "__main__":
    main()
