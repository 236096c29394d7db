"""The tallies of all processes of a service: each process keeps its own in a file, and any of them adds them up."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from service.replacement import replace_file


class Tallies:
    """The tallies of one subject.

    Args:
        folder: existing folder that the processes share.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / str(os.getpid())
        self._written: Any = None

    def write(self, tally: Any) -> None:
        """Replace the tally of this process, plain JSON values, if it has changed."""
        content = json.dumps(tally).encode()
        if content != self._written:
            replace_file(self._own, content)
            self._written = content

    def read(self) -> list[Any]:
        """Read the tallies of all processes."""
        tallies = []
        for path in self._folder.glob("[0-9]*"):
            with suppress(FileNotFoundError):  # removed meanwhile
                tallies.append(json.loads(path.read_bytes()))
        return tallies

    def remove(self, outdated: Callable[[Any], bool]) -> None:
        """Remove tallies of other processes, also of those that have ended."""
        for path in self._folder.glob("[0-9]*"):
            with suppress(FileNotFoundError):
                if path != self._own and outdated(json.loads(path.read_bytes())):
                    path.unlink()
