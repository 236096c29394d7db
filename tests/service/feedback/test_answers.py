from itertools import count

import pytest

from service.feedback.answers import AnswerBatch, Codes, Entry, key_of, labels_of, models_of
from tests.service.feedback.conftest import MakeEntry


def codes_of(entries: list[Entry], version_id: int = 7) -> Codes:
    return {
        (id(model), label): 2 * version_id + side
        for model in models_of(entries)
        for side, label in enumerate(labels_of(model, entries))
    }


def packed(*entries: Entry, second: int = 1_000) -> AnswerBatch:
    return AnswerBatch.pack(entries, codes_of([*entries]), second)


def test_every_request_is_found_with_its_answers_as_they_were(entry: MakeEntry) -> None:
    entries = [entry("one", "good"), entry("many", "bad", "good film", "good bad bad"), entry("last", "bad")]
    batch = packed(*entries)
    assert (batch.answers, batch.began) == (5, 1_000)
    for request_id, _, _, predictions in entries:
        found = batch.find(request_id)
        assert found
        assert found.probabilities == [each.probability for each in predictions]
        assert found.codes == [14 + (each.label == "positive") for each in predictions]
        assert (found.second, found.texts) == (1_000, None)


@pytest.mark.parametrize("request_id", ["man", "many2", "other", "ny", "many\nlast"])
def test_an_id_is_found_as_a_whole_only(entry: MakeEntry, request_id: str) -> None:
    assert packed(entry("many", "bad"), entry("last", "good")).find(request_id) is None


def test_of_an_id_that_comes_twice_the_last_answers_are_found(entry: MakeEntry) -> None:
    found = packed(entry("again", "bad"), entry("other", "bad"), entry("again", "good", "good")).find("again")
    assert found
    assert [code % 2 for code in found.codes] == [1, 1]


def test_texts_come_back_to_the_character(entry: MakeEntry) -> None:
    texts = ("good\nfilm", "bad “좋다” \U0001f600", " good ")
    batch = packed(entry("a", "bad", kept=True), entry("b", *texts, kept=True))
    found = batch.find("b")
    assert found
    assert found.texts == [*texts]


def test_merged_batches_answer_as_each_of_them(entry: MakeEntry) -> None:
    number = count()
    batches = [
        packed(
            *(entry(f"r{next(number)}", *["good", "bad"][: 1 + turn % 2], kept=True) for _ in range(turn + 1)),
            second=1_000 + turn,
        )
        for turn in (3, 0, 2)
    ]
    merged = AnswerBatch.merge(batches)
    assert (merged.began, merged.answers) == (1_000, sum(batch.answers for batch in batches))
    found = 0
    for batch in batches:
        for request_id in batch.ids.decode().split("\n"):
            found += 1
            assert merged.find(request_id) == batch.find(request_id)
            assert key_of(request_id) in merged.keys
    assert found == 8
