"""The commands `models list`, `models pull` and `models push`: bundles between a store and a folder."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import TypeVar

import click

from service.cli.flags import load_settings
from service.cli.interruption import exit_when_stopped
from service.errors import BundleError
from service.settings import ENV_PREFIX, SettingsError

Value = TypeVar("Value")

_SOME_FAILED = 3
_FOLDER = click.option(
    "--models-dir",
    metavar="FOLDER",
    help=f"Folder of bundles: <name>/<version>/manifest.json. [{ENV_PREFIX}MODELS_DIR; default models]",
)
_STORE = click.argument("address", metavar="STORE")
_WANTED = click.argument("wanted", metavar="[MODEL]...", nargs=-1)


@contextmanager
def progress_bar(place: str, size: int | None) -> Iterator[Callable[[int], object]]:
    """Show how much of a bundle has come or gone, if standard error is a terminal."""
    hidden = not sys.stderr.isatty()
    with click.progressbar(repeat(0), length=size, label=place, file=sys.stderr, hidden=hidden) as bar:
        yield bar.update
        bar.update((size or bar.pos) - bar.pos)  # folders tell nothing


@click.group()
def models() -> None:
    """Copy models between a folder and a store, or list them.

    A STORE is an address such as s3://bucket/models, gs://, hf:// or https:// (to read), or a folder; it needs the
    extra 'stores'. A MODEL is a name, for all of its versions, or a name and a version, such as imdb-conv1d/1.

    \b
    Examples:
      python -m service models list s3://bucket/models
      python -m service models pull s3://bucket/models imdb-conv1d/1 --models-dir models
      python -m service models push s3://bucket/models my-model

    \b
    Exit codes:
      0    all is where it should be
      1    an error stopped the run
      2    the command line is wrong
      3    finished, but some models have an error in place of a copy
      130  interrupted (Ctrl-C, SIGTERM); what was copied is whole
    """  # noqa: D301 (click looks for the character, not for the letters)


@models.command("list")
@click.argument("address", metavar="[STORE]", required=False)
@_FOLDER
def list_models(address: str | None, models_dir: str | None) -> None:
    """List the models of a STORE, without one those of the folder: place, language, description.

    A star marks those of a STORE that the folder has too.
    """
    from service.cli.terminal import printable
    from service.models.store import Store, is_there

    settings = load_settings({"models_dir": models_dir})
    with exit_when_stopped():
        store = address or settings.models_store
        manifests = Store(store).manifests() if store else _manifests(settings.models_dir)
        for place, manifest in manifests.items():
            here = address is not None and is_there(settings.models_dir / place, manifest)
            click.echo(f"{place}{'*' if here else ''}\t{printable(_about(manifest))}")


@models.command()
@_STORE
@_WANTED
@_FOLDER
def pull(address: str, wanted: tuple[str, ...], models_dir: str | None) -> None:
    """Copy models of a STORE into the folder, without MODEL all of them.

    Each is verified by the hashes in its manifest, and appears in the folder whole or not at all.
    """
    from service.models.store import Store, is_there

    folder = _folder(models_dir)
    store = Store(address)

    def copy(place: str, manifest: bytes) -> bool:
        if is_there(folder / place, manifest):
            return False
        if (folder / place).exists():
            raise BundleError(f"{folder / place} is another model, or broken; remove it to pull that of the store.")
        store.download(place, manifest, folder, progress_bar)
        return True

    with exit_when_stopped():
        _each(_selected(store.manifests(), wanted, store.address), copy, "pulled")


@models.command()
@_STORE
@_WANTED
@_FOLDER
def push(address: str, wanted: tuple[str, ...], models_dir: str | None) -> None:
    """Copy models of the folder into a STORE, without MODEL all of them.

    Each is verified before and after; its manifest comes last, so that a service finds it whole or not at all. A
    version that is there stays as it is.
    """
    from service.inference.bundle import open_bundle
    from service.models.store import Store

    folder = _folder(models_dir)
    store = Store(address)

    def copy(_: str, path: Path) -> bool:
        return store.upload(open_bundle(path), progress_bar)

    with exit_when_stopped():
        _each(_selected(_bundles(folder), wanted, str(folder)), copy, "pushed")


def _folder(models_dir: str | None) -> Path:
    settings = load_settings({"models_dir": models_dir})
    if settings.models_store:
        raise SettingsError(
            f"{ENV_PREFIX}MODELS_DIR (--models-dir) is the address of a store; name a folder: --models-dir models."
        )
    return settings.models_dir


def _bundles(folder: Path) -> dict[str, Path]:
    """Find the bundles in a folder, by their places, `<name>/<version>`.

    Raises:
        BundleError: there is none.
    """
    from service.inference.bundle import find_bundles

    return {f"{path.parent.name}/{path.name}": path for path in find_bundles(folder)}


def _manifests(folder: Path) -> dict[str, bytes]:
    """Read the manifests of a folder, which needs no library for stores.

    Raises:
        BundleError: there is no bundle.
    """
    from service.inference.manifest import MANIFEST_FILE

    paths = {place: path / MANIFEST_FILE for place, path in _bundles(folder).items()}
    return {place: path.read_bytes() for place, path in paths.items() if path.is_file()}


def _about(manifest: bytes) -> str:
    from pydantic import ValidationError

    from service.inference.manifest import Manifest

    try:
        about = Manifest.model_validate_json(manifest)
    except ValidationError:
        return "(its manifest is broken)"
    return f"{about.language}  {about.description}"


def _selected(there: Mapping[str, Value], wanted: Sequence[str], where: str) -> dict[str, Value]:
    """Select the bundles that the command line names; without names all.

    Raises:
        BundleError: there are none of a name.
    """
    if not there:
        raise BundleError(f"{where}: holds no bundle (<name>/<version>/manifest.json).")
    selected = {} if wanted else dict(there)
    for each in wanted:
        found = {place: value for place, value in there.items() if each in (place, place.split("/")[0])}
        if not found:
            raise BundleError(f"{where}: holds no {each}; it has {', '.join(there)}.")
        selected |= found
    return selected


def _each(selected: Mapping[str, Value], copy: Callable[[str, Value], bool], done: str) -> None:
    """Copy bundles one after another; report each, and go on after one that is refused."""
    from service.cli.terminal import show_error
    from service.models.store import StoreError

    failed = False
    for place, value in selected.items():
        try:
            click.echo(f"{place}: {done if copy(place, value) else 'there already'}")
        except StoreError:
            raise
        except BundleError as error:
            failed = True
            show_error(f"error: {error}")
    if failed:
        sys.exit(_SOME_FAILED)
