"""Publishing: a bundle under another name or version."""

import shutil
from pathlib import Path

import pytest

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.service.conftest import write_small_bundle
from tests.training.test_run import training


def test_a_bundle_is_published_under_another_name_and_answers_alike(tmp_path: Path) -> None:
    source = write_small_bundle(tmp_path / "run/models").path
    done = training("publish", tmp_path / "run", "--name", "mine", "--models-dir", tmp_path / "models")
    assert (done.code, done.stdout) == (0, f"Published as {tmp_path / 'models/mine/1'}\n")
    copy = open_bundle(tmp_path / "models/mine/1")
    assert (copy.manifest.name, copy.manifest.version) == ("mine", 1)
    answers = [
        Predictor.load(bundle, "float32").predict(["good"])[0].probability for bundle in (open_bundle(source), copy)
    ]
    assert answers[0] == answers[1]
    again = training("publish", source, "--name", "mine", "--models-dir", tmp_path / "models")
    assert again.stdout == f"Published as {tmp_path / 'models/mine/2'}\n"
    assert sorted(path.name for path in (tmp_path / "models/mine").iterdir()) == ["1", "2"]


def test_a_version_that_is_taken_and_a_folder_without_a_bundle_are_refused(tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "models")
    taken = training("publish", tmp_path / "models/small/1", "--version", 1, "--models-dir", tmp_path / "models")
    assert (taken.code, taken.stderr) == (
        1,
        f"error: {tmp_path / 'models/small/1'} exists already; --version 2 is free.\n",
    )
    (tmp_path / "empty").mkdir()
    assert f"error: {tmp_path / 'empty'} holds no bundle." in training("publish", tmp_path / "empty").stderr


def test_a_bundle_that_was_damaged_is_not_published(tmp_path: Path) -> None:
    source = write_small_bundle(tmp_path / "run").path
    (source / "vocabulary.txt").write_text("other\n")
    refused = training("publish", source, "--models-dir", tmp_path / "models")
    assert refused.code == 1
    assert "is not the file that the manifest names" in refused.stderr
    assert not list((tmp_path / "models").glob("*/[0-9]*"))


def test_a_folder_copied_by_hand_is_told_how_to_be_published(tmp_path: Path) -> None:
    shutil.copytree(write_small_bundle(tmp_path / "models").path, tmp_path / "models/mine/1")
    with pytest.raises(BundleError, match=r"python -m training publish BUNDLE --name NAME --version VERSION"):
        open_bundle(tmp_path / "models/mine/1")


def test_models_are_compared_by_the_folders_of_their_bundles(tmp_path: Path) -> None:
    first, second = (write_small_bundle(tmp_path / name, bias=bias).path for name, bias in (("a", 0.0), ("b", 2.5)))
    (tmp_path / "texts.csv").write_text("text,label\ngood,1\nbad,0\n")
    done = training("compare", first, second, tmp_path / "texts.csv", "--models-dir", tmp_path / "none")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.count("small/1") >= 2
