"""The SQLite database of feedback: its tables, and the way it is opened."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from service.errors import FeedbackUnavailableError
from service.settings import ENV_PREFIX, SettingsError

CALIBRATION_BINS = 15
"""Bins of equal width, as for the calibration error in a manifest."""

PROBABILITY_UNITS = 10**9
"""Probabilities are added up as whole numbers of its inverse, so that a sum is exact after any number of deletions."""

BUSY_SECONDS = 1.0
"""Time to wait for another process that writes."""

_START_SECONDS = 10.0
_APPLICATION_ID = 0x53454E54
_SCHEMA_VERSION = 1

_SCHEMA = f"""
CREATE TABLE versions (
    id INTEGER PRIMARY KEY, model TEXT NOT NULL, version INTEGER NOT NULL, negative TEXT NOT NULL,
    positive TEXT NOT NULL, UNIQUE (model, version, negative, positive)
);
CREATE TABLE answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, began INTEGER NOT NULL, answers INTEGER NOT NULL, keys BLOB NOT NULL,
    ids BLOB NOT NULL, ends BLOB NOT NULL, seconds BLOB NOT NULL, codes BLOB NOT NULL, probabilities BLOB NOT NULL,
    texts BLOB
);
CREATE TABLE feedback (
    request_id TEXT NOT NULL, position INTEGER NOT NULL, version_id INTEGER NOT NULL REFERENCES versions (id),
    said INTEGER NOT NULL, label INTEGER NOT NULL, probability REAL NOT NULL, answered INTEGER NOT NULL,
    received INTEGER NOT NULL, text TEXT, UNIQUE (request_id, position)
);
CREATE INDEX feedback_by_age ON feedback (received);
CREATE INDEX feedback_by_version ON feedback (version_id, received);
CREATE TABLE counts (
    version_id INTEGER NOT NULL, said INTEGER NOT NULL, label INTEGER NOT NULL, bin INTEGER NOT NULL,
    texts INTEGER NOT NULL, probability_sum INTEGER NOT NULL, PRIMARY KEY (version_id, said, label, bin)
) WITHOUT ROWID;
CREATE TRIGGER feedback_added AFTER INSERT ON feedback BEGIN
    INSERT INTO counts VALUES (
        new.version_id, new.said, new.label,
        min(CAST(new.probability * {CALIBRATION_BINS} AS INTEGER), {CALIBRATION_BINS - 1}),
        1, CAST(round(new.probability * {PROBABILITY_UNITS}) AS INTEGER)
    ) ON CONFLICT DO UPDATE SET texts = texts + 1, probability_sum = probability_sum + excluded.probability_sum;
END;
CREATE TRIGGER feedback_removed AFTER DELETE ON feedback BEGIN
    UPDATE counts SET
        texts = texts - 1,
        probability_sum = probability_sum - CAST(round(old.probability * {PROBABILITY_UNITS}) AS INTEGER)
    WHERE version_id = old.version_id AND said = old.said AND label = old.label
        AND bin = min(CAST(old.probability * {CALIBRATION_BINS} AS INTEGER), {CALIBRATION_BINS - 1});
END;
"""  # noqa: S608 (of this module)


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database to write, and create it if there is none; the connection may be handed to another thread.

    Raises:
        SettingsError: the file cannot be used.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # what callers send is nobody else's
        connection = sqlite3.connect(path, timeout=_START_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA secure_delete = ON")  # what is deleted may be personal data
            with transaction(connection):
                _check_schema(connection, path, create=True)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        except BaseException:
            connection.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, getattr(error, "strerror", None) or str(error)) from error
    return connection


@contextmanager
def read_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database to read it as it is at one moment.

    Raises:
        SettingsError: there is no such file, or it is something else.
        FeedbackUnavailableError: it cannot be read now.
    """
    if not path.is_file():
        raise _unusable(path, "there is no such file")
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            _check_schema(connection, path, create=False)
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise unavailable(error) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write in one transaction, which is undone where an error is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def unavailable(error: sqlite3.Error) -> FeedbackUnavailableError:
    """Make the error for a database that cannot be used now."""
    return FeedbackUnavailableError(
        f"The file of feedback cannot be used now ({error}); send the feedback again later."
    )


def _check_schema(connection: sqlite3.Connection, path: Path, create: bool) -> None:
    """Check that the database is one of feedback, or make one of an empty file.

    Raises:
        SettingsError: it is another one.
    """
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if (application, version) == (_APPLICATION_ID, _SCHEMA_VERSION):
        return
    [tables] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables or not create:
        raise _unusable(path, "it is a database of something else, or of another release")
    for statement in _statements():
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")


def _statements() -> Iterator[str]:
    """Yield the statements of the schema: `executescript` would end the transaction."""
    statement = ""
    for line in _SCHEMA.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement) and statement.strip():
            yield statement
            statement = ""


def _unusable(path: Path, reason: str) -> SettingsError:
    return SettingsError(f"{ENV_PREFIX}FEEDBACK_FILE: {path} cannot be used for feedback: {reason}.")
