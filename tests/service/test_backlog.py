"""Limits of the backlog, by texts and by characters."""

from contextlib import ExitStack

import pytest

from service.backlog import Backlog
from service.errors import OverloadedError


def test_more_texts_than_may_wait_are_refused_until_others_are_done() -> None:
    backlog = Backlog(max_texts=3, max_chars=1_000)
    with ExitStack() as waiting:
        for _ in range(3):
            waiting.enter_context(backlog.admitted(["a"]))
        with pytest.raises(OverloadedError, match="3 texts"), backlog.admitted(["b"]):
            pass
    with backlog.admitted(["c"]):
        assert (backlog.texts, backlog.chars) == (1, 1)
    assert (backlog.texts, backlog.chars) == (0, 0)


def test_a_few_long_texts_weigh_as_much_as_many_short_ones() -> None:
    backlog = Backlog(max_texts=1_000, max_chars=100)
    with backlog.admitted(["x" * 90]):
        with backlog.admitted(["x" * 10]):
            pass
        with pytest.raises(OverloadedError, match="90 characters"), backlog.admitted(["x" * 11]):
            pass
        assert backlog.chars == 90


@pytest.mark.parametrize("texts", [["a"] * 10, ["x" * 1_000]])
def test_one_request_beyond_the_limits_is_taken_when_nothing_waits(texts: list[str]) -> None:
    with Backlog(max_texts=3, max_chars=100).admitted(texts):
        pass


def test_a_failure_gives_the_places_back() -> None:
    backlog = Backlog(max_texts=3, max_chars=100)
    with pytest.raises(RuntimeError), backlog.admitted(["a"]):
        raise RuntimeError
    assert (backlog.texts, backlog.chars) == (0, 0)
