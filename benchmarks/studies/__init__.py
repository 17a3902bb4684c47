"""The same model file and the same frames through other runtimes: `make bench-peers`.

They have a virtual environment of their own (`requirements.txt`); nothing else of the toolkit needs them.
"""

from benchmarks.targets.peers import PEERS, load_peer

__all__ = ["PEERS", "load_peer"]
