"""`ray start` for a machine that is busy with other tests: `python ray_node.py start --head …`

Ray gives a node 30 seconds to be up, and the node gives its agent 15 seconds to write down the ports that
it listens on: numbers inside of Ray. Each of its processes computes for three seconds to import Ray, so that
they are not enough on two processors which others use too. Here a node has five minutes, it is written down
before that the agent listens on no port (what it writes itself without the dashboard's dependencies), and
the server for remote clients, which computes longest, is not started.
"""

import inspect
import time
from typing import Any

from ray import _raylet as raylet
from ray._private import services
from ray.scripts import scripts

NODE_SECONDS = 300.0
AGENT_PORTS = (
    raylet.METRICS_AGENT_PORT_NAME,
    raylet.METRICS_EXPORT_PORT_NAME,
    raylet.DASHBOARD_AGENT_LISTEN_PORT_NAME,
)
NO_PORT = -1

get_node, start_raylet = services.get_node, services.start_raylet


def wait_for_node(*arguments: Any) -> Any:
    deadline = time.monotonic() + NODE_SECONDS
    while True:
        try:
            return get_node(*arguments)
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def start_raylet_without_ports(*arguments: Any, **options: Any) -> Any:
    given = inspect.signature(start_raylet).bind(*arguments, **options).arguments
    for name in AGENT_PORTS:
        raylet.persist_port(given["session_dir"], given["node_id"], name, NO_PORT)
    return start_raylet(*arguments, **options)


services.get_node, services.start_raylet = wait_for_node, start_raylet_without_ports
scripts.get_ray_client_dependency_error = lambda: "not needed"

if __name__ == "__main__":
    scripts.main()
