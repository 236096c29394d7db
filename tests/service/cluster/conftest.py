"""A corpus of every format, and a job over it."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from service.cluster.scored_file import Job
from service.cluster.storage import Storage
from service.cluster.tables import Reading
from service.files.record import Options
from service.models.packed import PackedModels
from service.settings import Settings


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Corpus of 13 records, 4 of them bad, in five files, with a broken file and some that are none."""
    folder = tmp_path / "corpus"
    (folder / "year=2025").mkdir(parents=True)
    (folder / "_old").mkdir()
    (folder / "reviews.csv").write_bytes('\ufeffid,text,note\r\n07,good,"a\nb"\r\n8,,x\r\n9,bad\r\n'.encode())
    lines = [{"id": 1, "text": "good", "score": 1}, {"text": "bad", "score": 2.5, "more": {"a": ["é"]}}, "the film"]
    written = "".join(json.dumps(line) + "\n" for line in lines) + '{"text": 5}\n'
    (folder / "year=2025" / "reviews.jsonl.gz").write_bytes(gzip.compress(written.encode()))
    (folder / "lines.txt").write_text("good\n\nbad\n")
    table = pyarrow.table({"text": ["good", "bad"], "label": pyarrow.array(["p", "n"]).dictionary_encode()})
    parquet.write_table(table, folder / "year=2025" / "part-0.parquet")
    parquet.write_table(table.slice(0, 0), folder / "empty.parquet")
    parquet.write_table(table.slice(0, 1), folder / "_old" / "hidden.parquet")
    (folder / "broken.parquet").write_bytes(b"PAR1 and no more")
    (folder / "notes.doc").write_bytes(b"not ours")
    return folder


@pytest.fixture
def models(small_settings: Settings) -> PackedModels:
    return PackedModels.pack(small_settings)


@pytest.fixture
def job_of(models: PackedModels) -> Callable[..., Job]:
    def make(source: Path, target: Path, **changes: Any) -> Job:
        options = Options(max_text_chars=60, flags=True)
        source_url, target_url = Storage(str(source)).url, Storage(str(target)).url
        return Job(source_url, target_url, Reading(options, **changes), "", models.identity)

    return make
