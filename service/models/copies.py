"""Copies of a store's bundles in a local folder, where the service reads them."""

import logging
import shutil
import threading

from service.errors import BundleError
from service.inference.bundle import find_bundles, one_line
from service.inference.manifest import MANIFEST_FILE
from service.models.rollout import ROLLOUT_FILE
from service.models.store import Progress, Store, StoreError, is_there, no_progress
from service.replacement import replace_file
from service.settings import Settings

logger = logging.getLogger("service")

WATCH_SECONDS = 30.0
"""Time between two looks into a store whose models are watched."""


def fetch(settings: Settings, progress: Progress = no_progress) -> None:
    """Make the local folder hold what the store holds.

    A bundle that does not check out is left out with a warning. Where the store cannot be read the copies of the last
    time stay, all of them.

    Args:
        settings: with the address of the store, and the folder.
        progress: shows how far each download is.

    Raises:
        SettingsError: the library for this kind of store is not installed, or the address is none.
        BundleError: no bundle is there, neither in the store nor in the folder.
    """
    store = Store(settings.models_store or "")
    try:
        places = _copy(store, settings, progress)
        _copy_rollouts(store, settings)
    except StoreError as error:
        if not _copies(settings):
            raise
        logger.warning("the models of the last time serve: %s", one_line(error))
        return
    if not places:  # more likely a mistake than a wish to have no model
        if not _copies(settings):
            raise BundleError(f"{store.address}: holds no bundle (<name>/<version>/{MANIFEST_FILE}).")
        return
    for place in _copies(settings) - places:
        logger.info("%s is not in %s any more", place, store.address)
        shutil.rmtree(settings.models_dir / place)


def watch(settings: Settings, seconds: float = WATCH_SECONDS) -> threading.Event:
    """Fetch again and again, in a thread.

    Returns:
        The event that ends it; otherwise it ends with the process.
    """
    end = threading.Event()

    def look() -> None:
        while not end.wait(seconds):
            try:
                fetch(settings)
            except Exception as error:
                logger.warning("%s", one_line(error))

    threading.Thread(target=look, daemon=True, name="models-store").start()
    return end


def _copy(store: Store, settings: Settings, progress: Progress) -> set[str]:
    """Download what the folder lacks; return the places of all bundles of the store."""
    manifests = store.manifests()
    for place, manifest in manifests.items():
        if is_there(settings.models_dir / place, manifest):
            continue
        try:
            store.download(place, manifest, settings.models_dir, progress)
            logger.info("fetched %s", place)
        except StoreError:
            raise
        except BundleError as error:
            logger.warning("%s is left out: %s", place, one_line(error))
    return set(manifests)


def _copy_rollouts(store: Store, settings: Settings) -> None:
    """Make the rollouts in the folder those of the store, after the bundles that they name."""
    rollouts = store.rollouts()
    for path in settings.models_dir.glob(f"*/{ROLLOUT_FILE}"):
        if path.parent.name not in rollouts:
            path.unlink()
    for name, content in rollouts.items():
        path = settings.models_dir / name / ROLLOUT_FILE
        if path.parent.is_dir() and not (path.exists() and path.read_bytes() == content):
            replace_file(path, content)
            logger.info("fetched the rollout of %s", name)


def _copies(settings: Settings) -> set[str]:
    """Return the places of the bundles in the folder."""
    try:
        return {f"{path.parent.name}/{path.name}" for path in find_bundles(settings.models_dir)}
    except BundleError:
        return set()
