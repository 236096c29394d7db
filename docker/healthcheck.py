"""Exits with 0 if the service in this container is ready: the image's health check.

A bare socket, because a check starts every few seconds and an HTTP client takes several times as long to import.
"""

import os
import socket
import sys

# As in `service.settings`, which takes too long to import.
ports = (os.environ.get(name) for name in ("SENTIMENT_PORT", "AIP_HTTP_PORT", "PORT"))
port = int(next(filter(None, ports), "8000"))
with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    status = connection.makefile("rb").readline().split()[1]
sys.exit(status != b"200")
