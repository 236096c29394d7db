import sqlite3
import time
from pathlib import Path

import pytest

from service.feedback.figures import read_figures
from service.feedback.store import MERGED_BATCHES, Store
from service.settings import SettingsError
from tests.service.feedback.conftest import MakeEntry, judge, limits


def texts_in(database: Path) -> int:
    return sum(figures.texts for figures in read_figures(database))


def rows(database: Path, table: str) -> int:
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
    finally:
        connection.close()


def test_another_process_finds_the_answers_of_this_one(database: Path, entry: MakeEntry) -> None:
    one, other = Store(database, limits()), Store(database, limits())
    one.add([entry("a", "good", "bad")])
    answers, last = other.find("a")
    assert answers
    assert [(each.said, each.probability, str(each.model), each.labels) for each in answers] == [
        (True, 0.8807971, "small/1", ("negative", "positive")),
        (False, 0.11920292, "small/1", ("negative", "positive")),
    ]
    assert other.find("b", last) == (None, last)


def test_the_last_label_of_an_answer_counts(database: Path, entry: MakeEntry) -> None:
    store = Store(database, limits())
    store.add([entry("a", "good", "bad")])
    assert not judge(store, "a", "negative")
    assert not judge(store, "a", "negative", position=1)
    assert judge(store, "a", "positive")
    [figures] = read_figures(database)
    assert figures.confusion == [[1, 0], [0, 1]]


def test_what_is_too_old_is_not_found_and_then_gone(database: Path, entry: MakeEntry) -> None:
    keeping, store = Store(database, limits(texts=True)), Store(database, limits(days=1 / 86_400, texts=True))
    keeping.add([entry("a", "good film", kept=True)])
    judge(keeping, "a", "positive")
    assert texts_in(database) == 1
    time.sleep(2.1)
    assert store.find("a")[0] is None
    store.prune()
    assert (rows(database, "answers"), rows(database, "feedback"), texts_in(database)) == (0, 0, 0)
    content = database.read_bytes() + database.with_name(f"{database.name}-wal").read_bytes()
    assert b"good film" not in content
    keeping.add([entry("b", "good film", kept=True)])
    keeping.prune()
    assert rows(database, "answers") == 1


def test_of_too_many_answers_the_oldest_are_forgotten(database: Path, entry: MakeEntry) -> None:
    store = Store(database, limits(answers=640))
    for number in range(800):
        store.add([entry(f"r{number}", "good")])
    remembered = [number for number in range(800) if store.find(f"r{number}")[0]]
    assert remembered == [*range(800 - len(remembered), 800)]
    assert 640 - MERGED_BATCHES <= len(remembered) <= 640


def test_of_too_many_labels_the_oldest_are_deleted(database: Path, entry: MakeEntry) -> None:
    store = Store(database, limits(answers=3))
    for number in range(5):
        store.add([entry(f"r{number}", "good")])
        judge(store, f"r{number}", "positive")
    assert rows(database, "feedback") == texts_in(database) == 3


def test_small_batches_are_merged_and_lose_nothing(database: Path, entry: MakeEntry) -> None:
    store = Store(database, limits())
    for number in range(3 * MERGED_BATCHES):
        store.add([entry(f"r{number}", *["good", "bad"][: 1 + number % 2])])
    assert rows(database, "answers") < MERGED_BATCHES
    assert [len(store.find(f"r{number}")[0] or ()) for number in range(3 * MERGED_BATCHES)] == [
        1 + number % 2 for number in range(3 * MERGED_BATCHES)
    ]


def test_an_answer_without_a_remembered_request_is_found_by_its_feedback(database: Path, entry: MakeEntry) -> None:
    store = Store(database, limits())
    store.add([entry("a", "bad")])
    answers, _ = store.find("a")
    assert answers
    store.put("text", 0, answers[0], "positive")
    assert judge(store, "text", "negative")
    assert [figures.confusion for figures in read_figures(database)] == [[[1, 0], [0, 0]]]


def test_texts_are_kept_only_if_asked(database: Path, entry: MakeEntry) -> None:
    store = Store(database, limits(texts=False))
    store.add([entry("a", "good film")])
    answers, _ = store.find("a")
    assert answers
    store.put("a", 0, answers[0], "positive")
    store.close()
    assert b"good film" not in database.read_bytes()


def test_the_file_is_for_its_owner_alone(database: Path) -> None:
    Store(database, limits()).close()
    assert database.stat().st_mode & 0o777 == 0o600


def test_a_database_of_something_else_is_refused_and_left_alone(database: Path, tmp_path: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE answers (mine TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(SettingsError, match=r"SENTIMENT_FEEDBACK_FILE: .*feedback.db .* a database of something else"):
        Store(database, limits())
    assert rows(database, "answers") == 0
    other = tmp_path / "notes.txt"
    other.write_text("These are notes. " * 100)
    with pytest.raises(SettingsError, match="not a database"):
        Store(other, limits())
    with pytest.raises(SettingsError, match="No such file or directory"):
        Store(tmp_path / "nowhere" / "feedback.db", limits())
