"""Whatever lies in the models folder, a reload ends: one line says what is wrong, the old models stay, repairs load."""

import asyncio
import io
import json
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from service.errors import BundleError
from service.inference.bundle import MAX_MANIFEST_BYTES, open_bundle
from service.inference.predictor import Predictor
from service.models import repository as repository_module
from service.models.fleet import Fleet
from service.models.loading import load_models
from service.models.repository import Repository
from service.settings import Settings
from tests.service.conftest import BundleFolder, as_npy, score_graph, write_ngram_bundle, write_small_bundle


def npy_that_claims(numbers: int) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<i8", "fortran_order": False, "shape": (numbers,)})
    return stream.getvalue() + bytes(64)


def replaced_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def nested(bundle: BundleFolder) -> None:
    text = json.dumps(bundle.manifest())
    (bundle.path / "manifest.json").write_text(text[:-1] + ', "recipe": ' + "[" * 100_000 + "]" * 100_000 + "}")


def with_external_weights(bundle: BundleFolder) -> None:
    graph = score_graph([0.0] * 2_000)  # onnx moves only large tensors out
    onnx.save_model(graph, bundle.path / "model.onnx", save_as_external_data=True, location="weights.bin")
    bundle.replace_file("model.onnx", (bundle.path / "model.onnx").read_bytes())
    assert (bundle.path / "weights.bin").exists()


def changed(part: str, **settings: object) -> Callable[[BundleFolder], None]:
    return lambda bundle: bundle.change_manifest(**{part: {**bundle.manifest()[part], **settings}})


BREAKAGES: dict[str, tuple[Callable[[BundleFolder], object], str]] = {
    "brackets": (lambda b: (b.path / "manifest.json").write_text("[" * 100_000), "is not JSON"),
    "a nested recipe": (nested, "is not JSON: recursion limit"),
    "a huge manifest": (
        lambda b: (b.path / "manifest.json").write_bytes(b" " * (MAX_MANIFEST_BYTES + 1)),
        "at most 4,194,304 are read",
    ),
    "a manifest that is a FIFO": (lambda b: replaced_by_fifo(b.path / "manifest.json"), "is not a regular file"),
    "a manifest that is a folder": (lambda b: replaced_by_folder(b.path / "manifest.json"), "is not a regular file"),
    "a graph that is a FIFO": (lambda b: replaced_by_fifo(b.path / "model.onnx"), "is not a regular file"),
    "a schema version of many lines": (lambda b: b.change_manifest(schema_version="1\n" * 9_999), "schema version 1 1"),
    "an unknown field of many lines": (lambda b: b.change_manifest(**{"x\n" * 9_999: 1}), "Extra inputs"),
    "n-grams that claim 2^42 numbers": (
        lambda b: b.replace_file("ngrams.npy", npy_that_claims(2**42)),
        "announces 4,398,046,511,104 numbers, and 64 bytes follow",
    ),
    "n-grams with a header that is no Python": (
        lambda b: b.replace_file("ngrams.npy", b"\x93NUMPY\x01\x00\x76\x00" + b"(" * 117 + b"\n"),
        "cannot be loaded: TokenError",
    ),
    "texts of 2^40 ids": (changed("input", maxlen=2**40), "input.maxlen"),
    "a vocabulary of 2^40 words": (changed("tokenizer", num_words=2**40), "num_words"),
    "a start id of 2^40": (changed("tokenizer", start_id=2**40), "start_id"),
    "a vocabulary that is not UTF-8": (lambda b: b.replace_file("vocabulary.txt", b"\xff\n"), "cannot be used"),
    "weights in a file of their own": (with_external_weights, "onnxruntime cannot load this graph: "),
}


@pytest.mark.parametrize(("damage", "complaint"), BREAKAGES.values(), ids=BREAKAGES)
def test_a_reload_refuses_a_broken_bundle_in_one_line_and_the_next_one_serves_its_repair(
    tmp_path: Path,
    damage: Callable[[BundleFolder], object],
    complaint: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    models_dir = tmp_path / "models"
    write_small_bundle(models_dir)
    repository = Repository.open(Settings(models_dir=models_dir, model="small"), Fleet.private())
    old = repository.registry.default
    broken = write_ngram_bundle(tmp_path / "new")
    broken.change_manifest(version=2)
    shutil.move(broken.path, models_dir / "small" / "2")
    broken = BundleFolder(models_dir / "small" / "2")
    good = shutil.copytree(broken.path, tmp_path / "good")
    damage(broken)

    messages = reload(repository, caplog)
    assert [message.split(": ")[0] for message in messages] == ["refused"]
    assert complaint in messages[0]
    assert "\n" not in messages[0]
    assert len(messages[0]) < 1_000
    assert [*repository.registry] == [old]

    shutil.rmtree(broken.path)
    shutil.copytree(good, broken.path)
    assert reload(repository, caplog) == []
    assert [predictor.manifest.version for predictor in repository.registry] == [1, 2]


def reload(repository: Repository, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The errors that a reload logs."""
    caplog.clear()
    repository.ask_for_reload()
    asyncio.run(repository.follow())
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.txt", "ngrams.npy"])
def test_a_file_that_changes_after_its_bundle_was_verified_is_refused(with_ngrams: BundleFolder, name: str) -> None:
    bundle = open_bundle(with_ngrams.path)
    (with_ngrams.path / name).write_bytes(as_npy(np.array([40])))
    with pytest.raises(BundleError, match=rf"{name}: is not the file that the manifest names"):
        Predictor.load(bundle, "float32")


def test_an_unexpected_error_ends_one_reload_and_not_the_later_ones(
    small: BundleFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_dir = small.path.parents[1]
    repository = Repository.open(Settings(models_dir=models_dir, model="small"), Fleet.private())
    write_small_bundle(models_dir, version=2)

    def fail(_: Path) -> None:
        raise RecursionError("too\ndeep")

    with monkeypatch.context() as patch:
        patch.setattr("service.models.loading.open_bundle", fail)
        messages = reload(repository, caplog)
    assert len(messages) == 2
    assert all("cannot be loaded: RecursionError: too deep." in message for message in messages)
    with monkeypatch.context() as patch:
        patch.setattr("service.models.loading.find_bundles", fail)
        assert reload(repository, caplog) == ["nothing was reloaded: too deep"]
    assert reload(repository, caplog) == []
    assert [predictor.manifest.version for predictor in repository.registry] == [1, 2]


def test_the_watchdog_says_again_and_again_that_a_reload_has_not_finished(
    small: BundleFolder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = Repository.open(Settings(models_dir=small.path.parents[1], model="small"), Fleet.private())

    def load_slowly(*arguments: object) -> object:
        time.sleep(0.5)
        return load_models(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(repository_module, "load_models", load_slowly)
    monkeypatch.setattr(repository_module, "RELOAD_SECONDS", 0.1)
    messages = reload(repository, caplog)
    assert len(messages) >= 2
    assert messages[0] == "reloading has not finished after 0.1 seconds; what was loaded is served until it does"
