"""Serve pages: the address, who may use them, and limits on connections."""

from edge_runtime.serving.access import Access
from edge_runtime.serving.address import WebAddress, listen
from edge_runtime.serving.bounded_connections import BoundedConnections

__all__ = ["Access", "BoundedConnections", "WebAddress", "listen"]
