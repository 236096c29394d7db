"""Limits of the backlog, by texts and by characters."""

import pytest

from service.backlog import Backlog
from service.errors import OverloadedError


def test_more_texts_than_may_wait_are_refused_until_others_are_done() -> None:
    backlog = Backlog(max_texts=3, max_chars=1_000)
    for _ in range(3):
        assert backlog.enter(["a"]) == 1
    with pytest.raises(OverloadedError, match="3 texts"):
        backlog.enter(["b"])
    assert (backlog.texts, backlog.chars) == (3, 3)
    for _ in range(3):
        backlog.leave(1, 1)
    assert backlog.enter(["c", "de"]) == 3
    assert (backlog.texts, backlog.chars) == (2, 3)
    backlog.leave(2, 3)
    assert (backlog.texts, backlog.chars) == (0, 0)


def test_a_few_long_texts_weigh_as_much_as_many_short_ones() -> None:
    backlog = Backlog(max_texts=1_000, max_chars=100)
    backlog.enter(["x" * 90])
    backlog.leave(1, backlog.enter(["x" * 10]))
    with pytest.raises(OverloadedError, match="90 characters"):
        backlog.enter(["x" * 11])
    assert backlog.chars == 90


@pytest.mark.parametrize("texts", [["a"] * 10, ["x" * 1_000]])
def test_one_request_beyond_the_limits_is_taken_when_nothing_waits(texts: list[str]) -> None:
    Backlog(max_texts=3, max_chars=100).enter(texts)
