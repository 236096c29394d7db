"""Small files that processes follow: their replacement in a single step, and how a change is noticed."""

import os
from collections.abc import Iterable
from pathlib import Path

FileStamp = tuple[int, int, int]
"""Time of the last change (nanoseconds since the epoch), size (bytes) and inode of a file."""


def replace_file(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader finds the old content or the new.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def file_stamp(path: Path) -> FileStamp | None:
    """Return what changes with a file; None if it is not there."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino


def file_stamps(paths: Iterable[Path]) -> dict[Path, FileStamp]:
    """Return what changes with each of some files that is there."""
    stamps = {path: file_stamp(path) for path in paths}
    return {path: stamp for path, stamp in stamps.items() if stamp}
