from pathlib import Path

import pytest

from service.errors import BundleError
from service.inference.bundle import find_bundles, open_bundle
from tests.service.conftest import MODELS_DIR, WORDS, BundleFolder, write_korean_bundle, write_small_bundle


def refusal(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        open_bundle(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_a_whole_bundle_opens(small: BundleFolder) -> None:
    bundle = open_bundle(small.path)
    assert bundle.manifest.name == "small"
    assert bundle.read_vocabulary() == WORDS
    assert bundle.graph_path("float32") == small.path / "model.onnx"


def test_a_vocabulary_word_may_hold_characters_that_python_counts_as_line_ends(small: BundleFolder) -> None:
    small.replace_file("vocabulary.txt", "a\x85b\n\u2028\n".encode())
    assert open_bundle(small.path).read_vocabulary() == ["a\x85b", "\u2028"]


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "vocabulary.txt"])
def test_a_missing_file_is_named(small: BundleFolder, name: str) -> None:
    (small.path / name).unlink()
    assert name in refusal(small.path)


@pytest.mark.parametrize("name", ["model.onnx", "vocabulary.txt"])
def test_a_changed_file_is_named(small: BundleFolder, name: str) -> None:
    with (small.path / name).open("ab") as stream:
        stream.write(b"!")
    message = refusal(small.path)
    assert name in message
    assert "SHA-256" in message


def test_a_newer_schema_is_refused_before_anything_else_is_read(small: BundleFolder) -> None:
    (small.path / "manifest.json").write_text('{"schema_version": 2, "surprise": true}')
    assert "schema version 2" in refusal(small.path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"', "{}"])
def test_a_manifest_that_is_none_is_refused(small: BundleFolder, content: str) -> None:
    (small.path / "manifest.json").write_text(content)
    refusal(small.path)


def test_a_missing_field_is_named(small: BundleFolder) -> None:
    manifest = small.manifest()
    del manifest["input"]["maxlen"]
    small.change_manifest(input=manifest["input"])
    assert "input.maxlen: Field required" in refusal(small.path)


def test_an_unknown_field_is_refused(small: BundleFolder) -> None:
    small.change_manifest(surprise=1)
    assert "surprise" in refusal(small.path)


def test_a_file_outside_the_bundle_is_refused(small: BundleFolder) -> None:
    small.change_manifest(graphs={"float32": {"file": "../model.onnx", "input_shape": [None, 8], "metrics": {}}})
    refusal(small.path)


def test_a_file_without_a_hash_is_refused(small: BundleFolder) -> None:
    small.change_manifest(files={"model.onnx": small.manifest()["files"]["model.onnx"]})
    assert "vocabulary.txt" in refusal(small.path)


def test_a_bundle_in_the_wrong_folder_is_refused(small: BundleFolder) -> None:
    small.change_manifest(version=7)
    assert "version 7" in refusal(small.path)


def test_a_precision_that_the_bundle_lacks_is_named(small: BundleFolder) -> None:
    with pytest.raises(BundleError, match="no reference graph"):
        open_bundle(small.path).graph_path("reference")


def test_bundles_are_found_in_rising_order_and_other_folders_passed_over(tmp_path: Path) -> None:
    for version in (10, 9):
        write_small_bundle(tmp_path, version)
    for other in ("reports/9", ".10.partial/small", "small/v3", "small/0"):
        (tmp_path / other.replace("reports", "small/reports")).mkdir(parents=True)
    assert [path.name for path in find_bundles(tmp_path)] == ["9", "10"]


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_a_folder_without_bundles_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(BundleError, match=r"no such folder|holds no bundle"):
        find_bundles(tmp_path / folder)


def test_the_committed_bundle_is_the_lectures() -> None:
    manifest = open_bundle(MODELS_DIR / "imdb-conv1d" / "1").manifest
    assert (manifest.recipe["name"], manifest.recipe["epochs"], manifest.recipe["max_reviews"]) == ("lecture", 15, None)
    assert (manifest.tokenizer.num_words, manifest.input.maxlen) == (500, 300)
    assert manifest.metrics["test"]["reviews"] == 25_000


def test_a_tokenizer_that_is_not_known_is_named_with_those_that_are(small: BundleFolder) -> None:
    small.change_manifest(tokenizer={**small.manifest()["tokenizer"], "name": "bytes"})
    message = refusal(small.path)
    assert "'bytes'" in message
    assert "'keras-imdb', 'characters'" in message


def test_what_another_tokenizer_needs_is_no_part_of_a_tokenizer(small: BundleFolder) -> None:
    small.change_manifest(tokenizer={**small.manifest()["tokenizer"], "name": "characters"})
    assert "tokenizer: characters.units: Field required" in refusal(small.path)


def test_the_word_that_asks_for_any_model_names_none(small: BundleFolder) -> None:
    small.change_manifest(name="auto")
    assert "name: this name is reserved" in refusal(small.path)


def test_a_bundle_without_a_language_is_of_the_first_one(small: BundleFolder, tmp_path: Path) -> None:
    assert open_bundle(small.path).manifest.language == "en"
    assert open_bundle(write_korean_bundle(tmp_path).path).manifest.language == "ko"
    small.change_manifest(language="Korean")
    assert "language" in refusal(small.path)
