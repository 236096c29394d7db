"""Asks for predictions until it is told to stop (SIGTERM); exits with 0 if every request was answered with 200.

For `docker/smoke`, in a container of the service's image: nothing but the standard library is needed.

Usage: load.py HOST PORT CONNECTIONS RETRIES: a request may be sent again so many times (every 50 ms) where no
connection was to be had, or where it broke before a byte of the answer. Nothing else is ever sent again.
"""

import json
import signal
import sys
import threading
import time
from collections import Counter
from http.client import HTTPConnection, HTTPException

REFUSED, CLOSED = "tried again, no connection", "sent again, closed before an answer"
BODY = json.dumps({"text": "A wonderful film, the best of the year. I loved it."})
HEADERS = {"Content-Type": "application/json"}

host, port, connections, retries = sys.argv[1], *map(int, sys.argv[2:])
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
counts: Counter[str] = Counter()
lock = threading.Lock()


def count(what: str) -> None:
    """Adds to what is printed at the end."""
    with lock:
        counts[what] += 1


def ask(connection: HTTPConnection) -> str:
    """One request; says what came of it."""
    for attempt in range(retries + 1):
        connected = connection.sock is not None
        try:
            if not connected:
                connection.connect()
                connected = True
            connection.request("POST", "/predict", BODY, HEADERS)
            response = connection.getresponse()
        except (OSError, HTTPException) as error:
            connection.close()
            if attempt == retries:
                return f"lost: {error!r}"
            count(CLOSED if connected else REFUSED)
            time.sleep(0.05)
            continue
        try:
            response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            return f"cut off: {error!r}"
        return "answered" if response.status == 200 else f"status {response.status}"
    raise AssertionError


def work() -> None:
    """One connection's requests, one after another."""
    connection = HTTPConnection(host, port, timeout=30)
    while not stop.is_set():
        count(ask(connection))
        time.sleep(0.005)


threads = [threading.Thread(target=work) for _ in range(connections)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(counts))
sys.exit(not counts["answered"] or bool(set(counts) - {"answered", REFUSED, CLOSED}))
