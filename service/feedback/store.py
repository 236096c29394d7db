"""The store of feedback: it writes answers and labels to the database, finds answers, and deletes what is old.

Every process of the service has a store of its own on the same file.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from time import time

from service.feedback.answers import AnswerBatch, Entry, RememberedRequest, key_of, labels_of, models_of
from service.feedback.database import open_database, transaction
from service.inference.predictor import ModelName

SMALL_ANSWERS = 512
"""Answers of a batch that is not merged with others: under load batches are larger, and are written once."""

SMALL_TEXT_BYTES = 1_000_000
"""Bytes of the texts of such a batch."""

MERGED_BATCHES = 64
"""Small batches that are merged as soon as there are so many."""

AGES = 24
"""Parts of the retention, in time and answers: batches are merged within them, so that none goes much too early."""

DELETED_AT_ONCE = 5_000
"""Rows of feedback that are deleted in one transaction, so that no other process waits long."""

_COLUMNS = [field.name for field in fields(AnswerBatch)]
_INSERT = f"INSERT INTO answers ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM answers WHERE id = ?"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of what is kept.

    Attributes:
        seconds: time after which answers and feedback are deleted.
        answers: answers that are remembered, and labels that are kept, at most.
        texts: whether texts are kept.
    """

    seconds: float
    answers: int
    texts: bool


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to one text.

    Attributes:
        model: the model that answered.
        labels: its labels, negative and positive.
        said: whether the answer was the positive label.
        probability: of the positive label.
        second: Unix time of the answer.
        text: the text, if it is kept.
    """

    model: ModelName
    labels: tuple[str, str]
    said: bool
    probability: float
    second: int
    text: str | None


class Store:
    """The database of feedback, for one thread at a time. Every method may raise `sqlite3.Error`.

    Args:
        path: the file; it is made if there is none.
        limits: limits of what is kept.

    Raises:
        SettingsError: the file cannot be used.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        self._database = open_database(path)

    def add(self, entries: Sequence[Entry]) -> None:
        """Remember the answers to requests, at least one."""
        second = int(time())
        # A process that is killed loses nothing of what is written; only a loss of power may take the last seconds.
        self._database.execute("PRAGMA synchronous = NORMAL")
        with transaction(self._database):
            codes = self._codes(entries)
            self._database.execute(_INSERT, astuple(AnswerBatch.pack(entries, codes, second)))
            self._merge()
            self._forget_beyond_limit()

    def find(self, request_id: str, after: int = 0) -> tuple[list[StoredAnswer] | None, int]:
        """Find the answers to a request, in the order of its texts.

        Args:
            request_id: id of the request.
            after: batch up to which was looked already; batches after it only, and no feedback, are looked at.

        Returns:
            The answers, or None; and the last batch.
        """
        query = "SELECT id FROM answers WHERE id > ? AND instr(keys, ?) ORDER BY began DESC, id DESC"
        [last] = self._database.execute("SELECT coalesce(max(id), 0) FROM answers").fetchone()
        oldest = time() - self._limits.seconds
        for [batch_id] in self._database.execute(query, (after, key_of(request_id))).fetchall():
            row = self._database.execute(_SELECT, (batch_id,)).fetchone()
            found = AnswerBatch(*row).find(request_id) if row else None
            if found:
                return (self._answers(found) if found.second >= oldest else None), last
        return (self._judged(request_id, oldest) if not after else None), last

    def put(self, request_id: str, position: int, answer: StoredAnswer, label: str) -> bool:
        """Keep the true label of an answer, in place of one that was given before; it is on the disk on return.

        Returns:
            Whether there was one before.
        """
        self._database.execute("PRAGMA synchronous = FULL")
        with transaction(self._database):
            before = self._database.execute(
                "DELETE FROM feedback WHERE request_id = ? AND position = ?", (request_id, position)
            ).rowcount
            self._database.execute(
                "INSERT INTO feedback VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    request_id,
                    position,
                    self._version_id(answer.model, answer.labels),
                    answer.said,
                    label == answer.labels[1],
                    answer.probability,
                    answer.second,
                    int(time()),
                    answer.text if self._limits.texts else None,
                ),
            )
            [texts] = self._database.execute("SELECT coalesce(sum(texts), 0) FROM counts").fetchone()
            if texts > self._limits.answers:
                self._delete_feedback("ORDER BY received LIMIT ?", min(texts - self._limits.answers, DELETED_AT_ONCE))
        return before > 0

    def prune(self) -> bool:
        """Delete answers and feedback that are too old.

        Returns:
            Whether more is left to delete.
        """
        oldest = time() - self._limits.seconds
        with transaction(self._database):
            answers = self._database.execute("DELETE FROM answers WHERE began < ?", (oldest,)).rowcount
            feedback = self._delete_feedback("WHERE received < ? LIMIT ?", oldest, DELETED_AT_ONCE)
        if answers or feedback:
            with suppress(sqlite3.OperationalError):  # a reader is at it: the log is cut off another time
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return feedback == DELETED_AT_ONCE

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def _delete_feedback(self, which: str, *values: float) -> int:
        selected = f"SELECT rowid FROM feedback {which}"  # noqa: S608 (of this module)
        return self._database.execute(f"DELETE FROM feedback WHERE rowid IN ({selected})", values).rowcount  # noqa: S608

    def _codes(self, entries: Sequence[Entry]) -> dict[tuple[int, str], int]:
        """Make the codes of the answers, within a transaction."""
        codes: dict[tuple[int, str], int] = {}
        for model in models_of(entries):
            labels = labels_of(model, entries)
            version_id = self._version_id(model, labels)
            for side, label in enumerate(labels):
                codes[id(model), label] = 2 * version_id + side
        return codes

    def _version_id(self, model: ModelName, labels: tuple[str, str]) -> int:
        """Return the id of a version in the database, within a transaction."""
        row = (model.name, model.version, *labels)
        self._database.execute(
            "INSERT OR IGNORE INTO versions (model, version, negative, positive) VALUES (?, ?, ?, ?)", row
        )
        query = "SELECT id FROM versions WHERE model = ? AND version = ? AND negative = ? AND positive = ?"
        version_id: int = self._database.execute(query, row).fetchone()[0]
        return version_id

    def _answers(self, found: RememberedRequest) -> list[StoredAnswer]:
        answers = []
        for position, (code, probability) in enumerate(zip(found.codes, found.probabilities, strict=True)):
            version_id, said = divmod(code, 2)
            name, version, *labels = self._database.execute(
                "SELECT model, version, negative, positive FROM versions WHERE id = ?", (version_id,)
            ).fetchone()
            model = ModelName(name, version)
            text = found.texts[position] if found.texts else None
            answers.append(StoredAnswer(model, (labels[0], labels[1]), bool(said), probability, found.second, text))
        return answers

    def _judged(self, request_id: str, oldest: float) -> list[StoredAnswer] | None:
        """Find an answer with its feedback, where the answer alone is not remembered: its text came with the label."""
        row = self._database.execute(
            "SELECT model, version, negative, positive, said, probability, answered, text "
            "FROM feedback JOIN versions ON versions.id = version_id "
            "WHERE request_id = ? AND position = 0 AND answered >= ?",
            (request_id, oldest),
        ).fetchone()
        if row is None:
            return None
        name, version, negative, positive, said, *rest = row
        return [StoredAnswer(ModelName(name, version), (negative, positive), bool(said), *rest)]

    def _merge(self) -> None:
        """Merge the small batches, if there are many, so that a search has few to look at."""
        part = max(1, int(self._limits.seconds / AGES))
        small = self._database.execute(
            "SELECT began / ?, texts IS NULL, id FROM answers WHERE answers < ? AND coalesce(length(texts), 0) < ? "
            "ORDER BY 1, 2, id",
            (part, min(SMALL_ANSWERS, self._limits.answers / AGES), SMALL_TEXT_BYTES),
        ).fetchall()
        groups: dict[tuple[int, int], list[int]] = {}
        for began, textless, batch_id in small:
            groups.setdefault((began, textless), []).append(batch_id)
        for batch_ids in groups.values():
            if len(batch_ids) < MERGED_BATCHES:
                continue
            rows = [self._database.execute(_SELECT, (batch_id,)).fetchone() for batch_id in batch_ids]
            self._database.executemany("DELETE FROM answers WHERE id = ?", [(batch_id,) for batch_id in batch_ids])
            self._database.execute(_INSERT, astuple(AnswerBatch.merge([AnswerBatch(*row) for row in rows])))

    def _forget_beyond_limit(self) -> None:
        """Delete the oldest batches beyond the limit on answers; the last one stays, whatever its size."""
        total = 0
        for batch_id, answers in self._database.execute(
            "SELECT id, answers FROM answers ORDER BY began DESC, id DESC"
        ).fetchall():
            total += answers
            if total > self._limits.answers and total > answers:
                self._database.execute("DELETE FROM answers WHERE id = ?", (batch_id,))
