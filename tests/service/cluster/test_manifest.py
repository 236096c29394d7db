"""Manifest of finished files, and the work that a run repeats."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from service.cluster.corpus import find_files
from service.cluster.manifest import NAME, Manifest, ManifestError
from service.cluster.scored_file import Job, score_file
from service.cluster.storage import Storage
from service.models.packed import PackedModels


@pytest.fixture
def job(corpus: Path, tmp_path: Path, job_of: Callable[..., Job]) -> Job:
    return job_of(corpus, tmp_path / "out")


def pending(job: Job, restart: bool = False) -> list[str]:
    return sorted(file.name for file in Manifest(job, restart).pending(find_files(Storage(job.source), None).files))


def score_all(job: Job, models: PackedModels, written: bool = True) -> None:
    manifest = Manifest(job, restart=False)
    manifest.write()
    for file in manifest.pending(find_files(Storage(job.source), None).files):
        outcome = score_file(job, file, models)
        if written:
            manifest.add(outcome)
    manifest.write()


@pytest.mark.parametrize("written", [True, False])
def test_what_is_done_is_not_done_again_even_if_the_manifest_does_not_know(
    job: Job, models: PackedModels, written: bool
) -> None:
    assert len(pending(job)) == 6
    score_all(job, models, written)
    assert pending(job) == ["broken.parquet"]
    known = json.loads(Path(job.target.removeprefix("file://"), NAME).read_text())["files"]
    assert bool(known) == written
    if written:
        assert known["lines.txt"]["summary"] == {"scored": 2, "errors": 1, "words": 2, "known_words": 2}
        assert "cannot be read as Parquet" in known["broken.parquet"]["error"]


def test_a_file_that_has_changed_or_whose_output_is_gone_is_done_again(
    job: Job, corpus: Path, models: PackedModels, tmp_path: Path
) -> None:
    score_all(job, models)
    (corpus / "lines.txt").write_text("good\n\nbed\n")
    (tmp_path / "out/reviews.csv.parquet").unlink()
    (tmp_path / "out/empty.parquet").write_bytes(b"cut")
    assert pending(job) == ["broken.parquet", "empty.parquet", "lines.txt", "reviews.csv"]


def test_another_job_is_refused_and_its_outputs_do_not_count(job: Job, models: PackedModels) -> None:
    score_all(job, models)
    other = replace(job, prefix="s_")
    with pytest.raises(ManifestError, match=r"begun with another prefix \(, now s_\).*--restart"):
        pending(other)
    assert len(pending(other, restart=True)) == 6
    Manifest(other, restart=True).write()  # and then the run is interrupted
    assert len(pending(other)) == 6


def test_a_folder_with_something_else_in_it_is_refused(job: Job, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lines.txt.parquet").write_bytes(b"precious")
    with pytest.raises(ManifestError, match="is not empty"):
        pending(job)
    assert len(pending(job, restart=True)) == 6
    (tmp_path / "out" / NAME).write_text("{}")
    with pytest.raises(ManifestError, match=r"cannot be read.*--restart"):
        pending(job)
