"""`python -m edge_runtime.sources.capture MEMORY` is the capture process, see `capture_server.py`."""

from edge_runtime.sources.capture_server import serve

if __name__ == "__main__":
    serve()
