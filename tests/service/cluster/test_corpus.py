"""Which files a corpus has."""

from pathlib import Path

import pytest

from service.cluster.corpus import find_files
from service.cluster.storage import Storage, StorageError
from service.settings import SettingsError

ALL = ["broken.parquet", "empty.parquet", "lines.txt", "reviews.csv", *map("year=2025/{}".format, ["part-0.parquet"])]


def names(address: str, format_name: str | None = None) -> list[str]:
    return sorted(file.name for file in find_files(Storage(address), format_name).files)


def test_a_folder_gives_its_files_of_known_formats_the_largest_first(corpus: Path) -> None:
    found = find_files(Storage(str(corpus)), None)
    assert sorted(file.name for file in found.files) == [*ALL, "year=2025/reviews.jsonl.gz"]
    sizes = [file.size for file in found.files]
    assert sizes == sorted(sizes, reverse=True)
    assert found.size == sum(sizes)
    assert found.notes() == ["1 file of other kinds left out: notes.doc. --format says what they hold."]
    assert "reviews.csv.parquet" in [file.output for file in found.files]


def test_a_pattern_keeps_the_folders_below_its_first_wildcard(corpus: Path) -> None:
    assert names(f"{corpus}/year=*/*.parquet") == ["year=2025/part-0.parquet"]
    assert names(f"{corpus}/year=2025/*.gz") == ["reviews.jsonl.gz"]
    assert names(f"{corpus}/y*") == ["year=2025/part-0.parquet", "year=2025/reviews.jsonl.gz"]
    assert names(f"{corpus}/re[tv]iews.*") == ["reviews.csv"]
    assert names(f"{corpus}/**/*.parquet") == ["broken.parquet", "empty.parquet", "year=2025/part-0.parquet"]


def test_a_single_file_is_a_corpus(corpus: Path) -> None:
    assert names(str(corpus / "lines.txt")) == ["lines.txt"]


def test_a_format_takes_every_file(corpus: Path) -> None:
    assert names(str(corpus), "text") == sorted([*ALL, "notes.doc", "year=2025/reviews.jsonl.gz"])


def test_a_change_of_a_file_shows(corpus: Path) -> None:
    [before] = find_files(Storage(str(corpus / "lines.txt")), None).files
    (corpus / "lines.txt").write_text("good\n\nbed\n")
    [after] = find_files(Storage(str(corpus / "lines.txt")), None).files
    assert before.version != after.version


def test_nothing_to_score_is_an_error(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no such file or folder"):
        names(str(tmp_path / "nowhere"))
    with pytest.raises(StorageError, match=r"no file to score\. 1 file of other kinds left out: notes\.doc"):
        names(f"{corpus}/*.doc")


def test_a_store_of_an_unknown_kind_is_refused_with_what_to_install() -> None:
    with pytest.raises(SettingsError, match=r"^klingon://a: Protocol not known.*conv1d-sentiment\[stores\]") as refused:
        Storage("klingon://me:secret@a")
    assert "secret" not in str(refused.value)


def test_a_password_in_an_address_is_not_shown() -> None:
    storage = Storage("http://me:secret@127.0.0.1:9/reviews")
    for said in (find_files, lambda storage, _: storage.read("part.csv")):
        with pytest.raises(StorageError, match=r"^http://127\.0\.0\.1:9/reviews") as refused:
            said(storage, None)
        assert "secret" not in str(refused.value)


def test_two_files_cannot_have_one_output(corpus: Path) -> None:
    (corpus / "reviews.csv.parquet").write_bytes(b"")
    with pytest.raises(StorageError, match=r"would have one output, reviews\.csv\.parquet"):
        names(str(corpus))
