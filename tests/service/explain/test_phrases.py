from hypothesis import given
from hypothesis import strategies as st

from service.explain.phrases import EXTENDED_PAIRS, Window, around, pairs, standing_alone


def added(scores: list[float], together: dict[Window, float] | None = None) -> dict[Window, float]:
    """Contributions of all runs of up to five words, each the sum of its words' and of the runs within it."""
    return {
        (first, after): sum(scores[first:after])
        + sum(value for (start, end), value in (together or {}).items() if first <= start and end <= after)
        for first in range(len(scores))
        for after in range(first + 1, min(first + 5, len(scores)) + 1)
    }


def test_a_phrase_has_no_idle_word_at_its_ends() -> None:
    assert standing_alone(added([0, 2, 0, 3, 0]), 3) == [(1, 4)]


def test_words_that_only_do_something_together_are_a_phrase() -> None:
    contributions = added([0.1, 0, 0, 0.1, 0], {(1, 3): -4.0})
    assert standing_alone(contributions, 1) == [(1, 3)]


def test_a_word_that_pulls_the_other_way_is_no_part_of_a_phrase() -> None:
    assert standing_alone(added([3, 3, -1, 0]), 5) == [(0, 2)]


def test_the_strongest_come_first_whichever_way_they_push_and_none_overlap() -> None:
    contributions = added([1, 1, 0, 0, 0, -3, -3, 0, 0, 0, 2, 2])
    assert standing_alone(contributions, 5) == [(5, 7), (10, 12), (0, 2)]
    assert standing_alone(contributions, 2) == [(5, 7), (10, 12)]
    assert standing_alone(contributions, 0) == []


def test_words_that_do_nothing_are_no_phrase() -> None:
    assert standing_alone(added([0, 0, 0]), 5) == []


def test_a_run_is_no_phrase_while_a_part_of_it_is_not_known() -> None:
    contributions = added([2, 2, 2])
    del contributions[1, 3]
    assert standing_alone(contributions, 5) == [(0, 2)]


@given(st.lists(st.integers(-9, 9), max_size=60))
def test_what_is_tried_is_bounded_and_holds_each_strong_pair_with_its_surroundings(scores: list[int]) -> None:
    contributions = {
        window: float(sum(scores[slice(*window)]))
        for window in [(i, i + 1) for i in range(len(scores))] + pairs(len(scores))
    }
    tried = around(contributions, len(scores))
    assert len(set(tried)) == len(tried) <= 15 * EXTENDED_PAIRS
    assert all(0 <= first < after <= len(scores) and 3 <= after - first <= 5 for first, after in tried)
    if len(scores) >= 5:
        first, after = min(pairs(len(scores)), key=lambda window: (-abs(contributions[window]), window))
        expected = {
            (start, start + length)
            for length in (3, 4, 5)
            for start in range(len(scores) - length + 1)
            if start < after and start + length > first
        }
        assert expected <= set(tried)
