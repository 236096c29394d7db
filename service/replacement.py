"""Small files that processes follow: their replacement in a single step, and how a change is noticed."""

import os
from pathlib import Path


def replace_file(path: Path, content: bytes) -> None:
    """Write a file atomically: a reader finds the old content or the new.

    Raises:
        OSError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def file_stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file: time, size and inode; None if it is not there."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
