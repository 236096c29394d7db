"""Folders of this machine or of a store such as s3://bucket, through fsspec."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from fsspec.implementations.local import LocalFileSystem

from service.errors import ServiceError
from service.file_systems import open_address, without_password
from service.inference.bundle import one_line

PART = ".part"
"""End of the name of a file that is being written; it begins with a dot, so that no reader takes it."""


class StorageError(ServiceError):
    """A folder or file cannot be reached."""


class Storage:
    """A folder, by its path or address.

    Args:
        address: such as `reviews` or `s3://bucket/reviews`.

    Raises:
        SettingsError: the address is none, or the library for this kind of store is not installed.
    """

    def __init__(self, address: str) -> None:
        self.files, root = open_address(address)
        self.address = without_password(address)
        """For messages."""
        self.root: str = root.rstrip("/") or "/"
        self.is_local = isinstance(self.files, LocalFileSystem)

    @property
    def url(self) -> str:
        """The address of the folder, which holds on other machines too."""
        return str(self.files.unstrip_protocol(self.root))

    def path(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return f"{self.root.rstrip('/')}/{name}"

    def infos(self) -> dict[str, dict[str, Any]]:
        """List the files in the folder and below: what the file system says of them, by name.

        Raises:
            StorageError: it cannot be read.
        """
        with reached(self.address):
            self.files.invalidate_cache()
            found: dict[str, dict[str, Any]] = self.files.find(self.root, detail=True)
        return {path[len(self.root.rstrip("/")) + 1 :]: info for path, info in found.items()}

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if it is not there.

        Raises:
            StorageError: it cannot be read.
        """
        with reached(self.path(name)):
            try:
                content: bytes = self.files.cat_file(self.path(name))
            except FileNotFoundError:
                return None
        return content

    @contextmanager
    def written(self, name: str) -> Iterator[Path]:
        """Give a path to write to, and put that file into its place, whole, when the block ends without an error.

        In a local folder it is renamed. Elsewhere it is uploaded: S3 and Google Cloud Storage show whole objects only.
        """
        target = Path(self.path(name))
        if self.is_local:
            target.parent.mkdir(parents=True, exist_ok=True)
            made = target.with_name(f".{target.name}.{uuid4().hex}{PART}")
            try:
                yield made
                with made.open("rb") as file:
                    os.fsync(file.fileno())
                made.replace(target)
            finally:
                made.unlink(missing_ok=True)
        else:
            with TemporaryDirectory() as folder:
                made = Path(folder, target.name)
                yield made
                self.files.put_file(str(made), self.path(name))

    def remove_parts(self) -> None:
        """Remove what killed workers left."""
        if self.is_local:
            for path in Path(self.root).rglob(f".*{PART}"):
                path.unlink(missing_ok=True)


@contextmanager
def reached(place: str) -> Iterator[None]:
    """Turn the errors of a file system, of which each has its own, into one that names the place.

    Raises:
        StorageError: there was one.
    """
    try:
        yield
    except ServiceError:
        raise
    except Exception as error:
        raise StorageError(without_password(f"{place}: {one_line(error)}")) from error
