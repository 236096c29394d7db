"""Processes keep tallies for each other."""

import os
import subprocess
import sys
from pathlib import Path

from service.monitoring.tallies import Tallies


def test_every_process_reads_the_last_tally_of_each(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from service.monitoring.tallies import Tallies;"
        "tallies = Tallies(Path(sys.argv[1])); tallies.write({'a': 1}); tallies.write({'a': 2})"
    )
    for _ in range(2):
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
    own = Tallies(tmp_path)
    own.write({"a": 5})
    assert sorted(tally["a"] for tally in own.read()) == [2, 2, 5]


def test_an_unchanged_tally_is_not_written_again(tmp_path: Path) -> None:
    tallies = Tallies(tmp_path)
    tallies.write({"a": 1})
    (tmp_path / str(os.getpid())).unlink()
    tallies.write({"a": 1})
    assert tallies.read() == []
    tallies.write({"a": 2})
    assert tallies.read() == [{"a": 2}]


def test_only_the_outdated_tallies_of_others_are_removed(tmp_path: Path) -> None:
    tallies = Tallies(tmp_path)
    tallies.write({"pair": "old"})
    for pid, pair in (("1", "old"), ("2", "new")):
        (tmp_path / pid).write_text(f'{{"pair": "{pair}"}}')
    tallies.remove(lambda tally: bool(tally["pair"] == "old"))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["2", str(os.getpid())])
