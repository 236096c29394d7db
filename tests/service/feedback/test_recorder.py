import asyncio
import sqlite3
from pathlib import Path

import pytest

from service.errors import AnswerNotFoundError, FeedbackUnavailableError, OverloadedError
from service.feedback import recorder
from service.feedback.recorder import Recorder
from tests.service.feedback.conftest import MakeEntry, limits


def remember(recorder: Recorder, entry: MakeEntry, request_id: str, *texts: str) -> None:
    _, choice, _, predictions = entry(request_id, *texts)
    recorder.remember(request_id, choice, texts, predictions)


def test_while_the_file_cannot_be_written_answers_wait_up_to_a_number_and_then_are_lost(
    database: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MAX_UNWRITTEN_ANSWERS", 3)
    lost: list[int] = []

    async def work() -> None:
        recording = Recorder(database, limits(), lost.append)
        other = sqlite3.connect(database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for number in range(5):
            remember(recording, entry, f"r{number}", "good")
            if number == 1:
                with pytest.raises(FeedbackUnavailableError, match="database is locked"):
                    await recording.judge("r0", None, "positive")
        other.execute("ROLLBACK")
        other.close()
        assert lost == [1, 1]
        for number in range(3):
            assert (await recording.judge(f"r{number}", None, "positive")).answer.said
        remember(recording, entry, "later", "good")  # there is room again
        assert (await recording.judge("later", None, "positive")).answer.said
        await recording.close()

    asyncio.run(work())
    assert lost == [1, 1]


def test_texts_that_wait_are_limited_by_their_characters(
    database: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MAX_UNWRITTEN_CHARS", 100)
    lost: list[int] = []

    async def work() -> None:
        recording = Recorder(database, limits(texts=True), lost.append)
        for number in range(4):
            remember(recording, entry, f"r{number}", "good" * 15)
        assert lost == [1, 1]
        await recording.close()

    asyncio.run(work())


def test_what_is_unwritten_at_the_end_is_written(database: Path, entry: MakeEntry) -> None:
    async def work(request_id: str, ask: str | None) -> None:
        recording = Recorder(database, limits(), lambda _: None)
        remember(recording, entry, request_id, "good")
        if ask:
            assert (await recording.judge(ask, None, "positive")).answer.said
        await recording.close()

    asyncio.run(work("first", None))
    asyncio.run(work("second", "first"))


def test_a_request_that_ends_early_does_not_end_the_write(database: Path, entry: MakeEntry) -> None:
    async def work() -> None:
        recording = Recorder(database, limits(), lambda _: None)
        remember(recording, entry, "a", "good")
        leaving = asyncio.create_task(recording.judge("a", None, "positive"))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert (await recording.judge("a", None, "positive")).answer.said
        await recording.close()

    asyncio.run(work())


def test_too_many_requests_at_a_time_are_refused(
    database: Path, entry: MakeEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "MAX_ASKING", 2)
    monkeypatch.setattr(recorder, "VISIBLE_SECONDS", 0.2)

    async def work() -> None:
        recording = Recorder(database, limits(), lambda _: None)
        asked = [recording.judge("nobody", None, "positive") for _ in range(3)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [AnswerNotFoundError, AnswerNotFoundError, OverloadedError]
        remember(recording, entry, "a", "good")
        assert (await recording.judge("a", None, "positive")).answer.said
        await recording.close()

    asyncio.run(work())
