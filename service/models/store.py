"""A store of bundles at an address such as s3://bucket/models: what it holds, downloads and uploads."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from service.errors import BundleError, ServiceError
from service.file_systems import open_address, without_password
from service.inference.bundle import Bundle, one_line, open_bundle, read_manifest
from service.inference.manifest import MANIFEST_FILE
from service.models.rollout import ROLLOUT_FILE

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], object]]]
"""Shows the progress of one bundle: gets its place and its bytes (None: unknown), gives what to tell the bytes done."""

_NAME, _VERSION = re.compile("[a-z0-9][a-z0-9-]*"), re.compile("[1-9][0-9]*")
_PARTIAL = ".partial-"


class StoreError(BundleError):
    """A store cannot be read or written, whatever it holds."""


@contextmanager
def no_progress(_place: str, _size: int | None) -> Iterator[Callable[[int], object]]:
    """Show nothing."""
    yield lambda _: None


class Store:
    """Bundles at `<name>/<version>` below an address that fsspec knows. A bundle is there once its manifest is.

    Args:
        address: of the store, or a path.

    Raises:
        SettingsError: the library for this kind of store is not installed, or the address is none.
    """

    def __init__(self, address: str) -> None:
        self.address = without_password(address).rstrip("/")
        """For messages."""
        self._files, root = open_address(address)
        self._root = root.rstrip("/")
        if hasattr(self._files, "auto_mkdir"):  # a folder of this machine
            self._files.auto_mkdir = True
        self._files.invalidate_cache()

    def manifests(self) -> dict[str, bytes]:
        """Read the manifests of all bundles, by their places, `<name>/<version>`.

        Raises:
            StoreError: the store cannot be read; a part of it is never taken for the whole.
        """
        found = {}
        with self._errors("cannot be read"):
            for name in self._folders(self._root, _NAME):
                for version in self._folders(f"{self._root}/{name}", _VERSION):
                    place = f"{name}/{version}"
                    if (manifest := self._manifest(place)) is not None:
                        found[place] = manifest
        return found

    def rollouts(self) -> dict[str, bytes]:
        """Read the rollouts of all models, by the models' names.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._errors("cannot be read"):
            found = {name: self._read(f"{name}/{ROLLOUT_FILE}") for name in self._folders(self._root, _NAME)}
        return {name: content for name, content in found.items() if content is not None}

    def download(self, place: str, manifest: bytes, folder: Path, progress: Progress = no_progress) -> None:
        """Copy a bundle to its place in a folder of models, where it appears whole and verified, or not at all.

        Args:
            place: `<name>/<version>`.
            manifest: of the bundle; it has the hashes of all other files.
            folder: folder of models.
            progress: shows how far it is.

        Raises:
            BundleError: the bundle does not check out, such as one that is still being uploaded.
            StoreError: the store cannot be read.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=_PARTIAL, dir=folder) as temporary:
                partial = Path(temporary, place)
                partial.mkdir(parents=True)
                (partial / MANIFEST_FILE).write_bytes(manifest)
                self._get(place, partial, progress)
                _move(partial, folder / place, manifest)
        except OSError as error:
            raise StoreError(f"{folder}: the models cannot be written: {error.strerror or one_line(error)}.") from error

    def upload(self, bundle: Bundle, progress: Progress = no_progress) -> bool:
        """Copy a verified bundle into the store and verify the copy. It appears whole: its manifest comes last.

        Returns:
            Whether it was copied; False if the store has it already.

        Raises:
            BundleError: the store has another model of that name and version.
            StoreError: the store cannot be read or written.
        """
        place = f"{bundle.manifest.name}/{bundle.manifest.version}"
        manifest = (bundle.path / MANIFEST_FILE).read_bytes()
        with self._errors("cannot be read"):
            there = self._manifest(place)
        if there == manifest:
            return False
        if there is not None:
            raise BundleError(
                f"{self.address}/{place} is another model, and a version stands for one model for good; "
                "python -m training publish BUNDLE --version VERSION makes a copy under another number."
            )
        size = sum((bundle.path / name).stat().st_size for name in bundle.manifest.files)
        with self._errors("cannot be written"), progress(place, size) as advance:
            for name, expected in bundle.manifest.files.items():
                stored = f"{self._root}/{place}/{name}"
                self._files.put_file(str(bundle.path / name), stored, callback=self._telling(advance))
                with self._files.open(stored, "rb") as stream:
                    if hashlib.file_digest(stream, "sha256").hexdigest() != expected:
                        raise StoreError(f"{self.address}/{place}/{name}: is not what was sent; push it again.")
            self._files.pipe_file(f"{self._root}/{place}/{MANIFEST_FILE}", manifest)
        return True

    def _folders(self, path: str, pattern: re.Pattern[str]) -> list[str]:
        """Return the names in a folder that match; none if there is no such folder."""
        try:
            names = [entry["name"] for entry in self._files.ls(path, detail=True)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = [name.rstrip("/").rsplit("/", 1)[-1] for name in names]
        return sorted(name for name in set(names) if pattern.fullmatch(name))

    def _manifest(self, place: str) -> bytes | None:
        return self._read(f"{place}/{MANIFEST_FILE}")

    def _read(self, path: str) -> bytes | None:
        """Read a file; None if there is none."""
        try:
            return bytes(self._files.cat_file(f"{self._root}/{path}"))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _get(self, place: str, folder: Path, progress: Progress) -> None:
        """Download the files of a bundle to its manifest, and verify them.

        Raises:
            BundleError: the bundle does not check out.
            StoreError: the store cannot be read.
        """
        try:
            names = [*read_manifest(folder / MANIFEST_FILE).files]
            paths = [f"{self._root}/{place}/{name}" for name in names]
            with self._errors("cannot be read"):
                sizes = [self._files.info(path).get("size") for path in paths]
                with progress(place, None if None in sizes else sum(sizes)) as advance:
                    for name, path in zip(names, paths, strict=True):
                        self._files.get_file(path, str(folder / name), callback=self._telling(advance))
            open_bundle(folder)
        except StoreError as error:
            if not isinstance(error.__cause__, FileNotFoundError):
                raise
            raise BundleError(f"{self.address}/{place}: not all of its files are there yet.") from error
        except BundleError as error:
            raise BundleError(str(error).replace(str(folder), f"{self.address}/{place}")) from error

    def _telling(self, advance: Callable[[int], object]) -> Any:
        told = 0

        def tell(_size: int | None, done: int, **_: Any) -> None:
            nonlocal told
            advance(done - told)
            told = done

        from fsspec import Callback

        return Callback(hooks={"bytes": tell})

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        try:
            yield
        except ServiceError:
            raise
        except Exception as error:  # every file system has errors of its own
            reason = without_password(one_line(error)) or type(error).__name__
            raise StoreError(f"{self.address}: the models {verb}: {reason}.") from error


def _move(partial: Path, target: Path, manifest: bytes) -> None:
    """Move a verified bundle to its place, where another one may be."""
    target.parent.mkdir(exist_ok=True)
    if target.exists():
        target.replace(partial.with_name("replaced"))
    try:
        partial.replace(target)
    except OSError:
        if not is_there(target, manifest):  # another process may have been faster
            raise


def is_there(path: Path, manifest: bytes) -> bool:
    """Tell whether a folder has the bundle of a manifest, whole."""
    try:
        if (path / MANIFEST_FILE).read_bytes() != manifest:
            return False
        open_bundle(path)
    except (OSError, BundleError):
        return False
    return True
