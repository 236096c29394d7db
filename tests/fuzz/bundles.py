"""Bundles that are damaged: a predictor, or one `BundleError` in one line."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.service.conftest import BundleFolder, write_korean_bundle, write_ngram_bundle, write_small_bundle

MAKERS: list[Callable[[Path], BundleFolder]] = [write_small_bundle, write_korean_bundle, write_ngram_bundle]
_scalars: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1, 2**31, 2**63, 2**70, 1.5, float("inf"), "", "a", "../x", "/", "\ud800", "model.onnx", [], {}]
) | st.text(max_size=5)
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@cache
def _templates() -> list[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-bundles-"))
    return [maker(folder / str(number)).path for number, maker in enumerate(MAKERS)]


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the places of all members and elements of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in ((*at, key), *_places(inner, (*at, key)))]


def _load(path: Path) -> None:
    try:
        bundle = open_bundle(path)
        for precision in bundle.manifest.graphs:
            Predictor.load(bundle, precision)
    except BundleError as error:
        message = str(error)
        assert "\n" not in message
        assert str(path) in message


def _copy(data: st.DataObject, folder: str) -> BundleFolder:
    template = data.draw(st.sampled_from(range(len(MAKERS))))
    return BundleFolder(Path(shutil.copytree(_templates()[template], Path(folder, "1"))))


@given(st.data())
def manifests(data: st.DataObject) -> None:
    """Load a bundle of whose manifest some members are others."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = _copy(data, folder)
        manifest = bundle.manifest()
        for _ in range(data.draw(st.integers(1, 3))):
            *way, last = data.draw(st.sampled_from(_places(manifest)))
            inner = manifest
            for key in way:
                inner = inner[key]
            change = data.draw(st.sampled_from(["other", "gone", "more"]))
            if change == "gone":
                del inner[last]
            elif change == "more" and isinstance(inner, dict):
                inner[data.draw(st.text(max_size=5))] = data.draw(_values)
            else:
                inner[last] = data.draw(_values)
            if not _places(manifest):
                break
        (bundle.path / "manifest.json").write_text(json.dumps(manifest))
        _load(bundle.path)


@given(st.data())
def bundle_files(data: st.DataObject) -> None:
    """Load a bundle of whose files one is damaged, with the manifest's hash for it."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = _copy(data, folder)
        name = data.draw(st.sampled_from(sorted(path.name for path in bundle.path.iterdir())))
        content = bytearray((bundle.path / name).read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            start = data.draw(st.integers(0, len(content)))
            length = data.draw(st.integers(0, 4))
            content[start : start + length] = data.draw(st.binary(max_size=4))
        (bundle.path / name).write_bytes(content)
        if name != "manifest.json":
            hashed = hashlib.sha256(content).hexdigest()
            bundle.change_manifest(files={**bundle.manifest()["files"], name: hashed})
        _load(bundle.path)
