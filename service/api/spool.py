"""Temporary files for answers whose clients do not read yet."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from service.errors import BodyTooLargeError, OverloadedError, UnavailableError

_MEMORY_BYTES = 1_000_000
_PIECE_BYTES = 262_144


class SpoolBudget:
    """Bytes that the spools of one process may have together.

    Args:
        max_bytes: of all spools.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.taken = 0


class Spool:
    """An answer in the making: in memory while it is small, then in a temporary file. A context manager.

    Args:
        budget: budget from which the bytes are taken.
    """

    def __init__(self, budget: SpoolBudget) -> None:
        self._budget = budget
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115 (closed in `__exit__`)
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.taken -= self.size
        self._file.close()

    async def write(self, data: bytes) -> None:
        """Add a part of the answer.

        Raises:
            BodyTooLargeError: the answer has more bytes than all spools may have.
            OverloadedError: other answers have taken the rest.
            UnavailableError: the file cannot be written.
        """
        budget = self._budget
        if self.size + len(data) > budget.max_bytes:
            raise BodyTooLargeError(
                f"The answers have more than {budget.max_bytes:,} bytes, which is all that is kept for clients that "
                "read after they have sent their file. Send the file in parts, or without a proxy and chunked."
            )
        if budget.taken + len(data) > budget.max_bytes:
            raise OverloadedError("Other files are in work; try again shortly.")
        budget.taken += len(data)
        self.size += len(data)
        try:
            if self.size > _MEMORY_BYTES:
                await asyncio.to_thread(self._file.write, data)
            else:
                self._file.write(data)
        except OSError as error:
            raise UnavailableError(f"The answers cannot be kept: {error.strerror}.") from error

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read the answer from its beginning."""
        self._file.seek(0)
        while piece := await asyncio.to_thread(self._file.read, _PIECE_BYTES):
            yield piece
