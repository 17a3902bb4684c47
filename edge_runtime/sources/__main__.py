"""`python -m edge_runtime.sources MEMORY` is the capture child; `capture.py` says what it does."""

from edge_runtime.sources.capture import serve

if __name__ == "__main__":
    serve()
