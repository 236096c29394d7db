"""Help between the processes of one service: a job of one's file goes to another that has no file of its own."""

import asyncio
import json
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.inference.predictor import Prediction, Predictor
from service.models.registry import Registry
from service.scheduler import Scheduler

logger = logging.getLogger("service")

CONNECTIONS = 2
"""Connections to each process, with a job at a time on each: one that it computes, and one that waits for it."""

PAUSE_SECONDS = 0.1
"""Pause after a process has refused a job."""

_ANSWER_SECONDS = 10
_LOOK_SECONDS = 0.5
_BUFFER_BYTES = 1_000_000
_LENGTH_BYTES = 4


@dataclass(eq=False, slots=True)
class _Connection:
    name: tuple[str, int]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Peers:
    """The other processes, each of which listens on a socket in a folder that only this user can enter.

    A message is its length and its bytes. A job is the identity of its model and its texts, with a NUL between them, as
    no text has one. The answer is JSON: a list for each text, or null where the process does not compute the job, as
    texts of its own wait, it does not have the model, or it stops. What another does not compute is computed here.

    Args:
        folder: of the sockets.
        registry: returns the models that are served now.
        scheduler: computes the jobs of others.
    """

    def __init__(self, folder: Path, registry: Callable[[], Registry], scheduler: Scheduler) -> None:
        self._folder = folder
        self._registry = registry
        self._scheduler = scheduler
        self._connections: dict[tuple[str, int], _Connection] = {}
        self._free: deque[_Connection] = deque()
        self._served: set[asyncio.StreamWriter] = set()

    async def run(self) -> None:
        """Compute jobs of others, and look for others, until cancelled."""
        own = self._folder / str(os.getpid())
        own.unlink(missing_ok=True)
        try:
            server = await asyncio.start_unix_server(self._serve, own, limit=_BUFFER_BYTES)
        except OSError as error:  # the path of a socket can have some 100 characters
            logger.warning("a file is scored by one process alone: %s: %s", own, error)
            return
        try:
            while True:
                for path in self._folder.iterdir():
                    if path != own:
                        await self._connect(path)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            own.unlink(missing_ok=True)
            server.close()
            for writer in (*self._served, *(connection.writer for connection in self._connections.values())):
                writer.close()

    def offer(self, predictor: object, texts: Sequence[Any]) -> Awaitable[list[Prediction] | None] | None:
        """Offer a job.

        Args:
            predictor: of its model.
            texts: validated texts.

        Returns:
            None if no process can take it now, else what waits for the predictions, in order, or for None: the job has
            to be computed here.
        """
        if not self._free or not isinstance(predictor, Predictor):
            return None
        return self._ask(self._free.popleft(), predictor, texts)

    async def _ask(
        self, connection: _Connection, predictor: Predictor, texts: Sequence[str]
    ) -> list[Prediction] | None:
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await _send(connection.writer, "\0".join((predictor.identity, *texts)).encode())
                answer = json.loads(await _receive(connection.reader))
        except (OSError, EOFError):  # also of a time that has run out
            connection.writer.close()
            self._connections.pop(connection.name, None)
            return None
        if answer is None:
            asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._free.append, connection)
            return None
        self._free.append(connection)
        return [Prediction(*(*fields, predictor.name)) for fields in answer]

    async def _connect(self, path: Path) -> None:
        for number in range(CONNECTIONS):
            name = path.name, number
            if name not in self._connections:
                with suppress(OSError):  # that process has ended, or only begins
                    streams = await asyncio.open_unix_connection(path, limit=_BUFFER_BYTES)
                    self._connections[name] = _Connection(name, *streams)
                    self._free.append(self._connections[name])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Compute the jobs that come on a connection, until it is closed."""
        self._served.add(writer)
        with suppress(OSError, EOFError):
            while True:
                identity, *texts = (await _receive(reader)).decode().split("\0")
                await _send(writer, json.dumps(await self._compute(identity, texts)).encode())
        self._served.discard(writer)
        writer.close()

    async def _compute(self, identity: str, texts: list[str]) -> list[tuple[Any, ...]] | None:
        predictor = next((each for each in self._registry() if each.identity == identity), None)
        if predictor is None or self._scheduler.is_behind:
            return None
        try:
            predictions = await self._scheduler.predict(predictor, texts, "lent")
        except Exception as error:  # its owner will meet it as well
            logger.debug("a job of another process failed: %s", error)
            return None
        return [(p.label, p.probability, p.words, p.known_words, p.truncated) for p in predictions]


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    writer.writelines((len(message).to_bytes(_LENGTH_BYTES), message))
    await writer.drain()


async def _receive(reader: asyncio.StreamReader) -> bytes:
    """Receive a message.

    Raises:
        EOFError, OSError: the connection has ended.
    """
    return await reader.readexactly(int.from_bytes(await reader.readexactly(_LENGTH_BYTES)))
