"""Models that travel as bytes."""

import pickle
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from service.errors import BundleError
from service.models.packed import PackedModels
from service.settings import Settings


def test_models_answer_where_their_folder_is_not(
    small_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = pickle.dumps(PackedModels.pack(small_settings))
    small_settings.models_dir.rename(tmp_path / "elsewhere")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    packed = pickle.loads(written)  # noqa: S301 (written above)
    assert packed.load().predict(["good"])[0].label == "positive"
    assert not [*(tmp_path / "tmp").iterdir()]


def test_a_machine_that_would_compute_otherwise_is_refused(small_settings: Settings) -> None:
    packed = PackedModels.pack(small_settings)
    with pytest.raises(BundleError, match=r"another graph.*float32.*--precision float32"):
        replace(packed, identity=packed.identity.replace("float32", "int8")).load()


def test_a_bundle_that_was_damaged_on_its_way_is_refused(small_settings: Settings) -> None:
    packed = PackedModels.pack(small_settings)
    damaged = {path: content[:-1] if "onnx" in path else content for path, content in packed.files.items()}
    with pytest.raises(BundleError, match=r"model\.onnx"):
        replace(packed, identity="damaged", files=damaged).load()
