"""Which runs of words are worth trying, and which are phrases. A run is a range of positions, (first, after)."""

from collections.abc import Callable, Mapping

MAX_PHRASE_WORDS = 5
EXTENDED_PAIRS = 12
"""The strongest pairs of neighbours, around which longer runs are tried: at most 15 for each of them."""

Window = tuple[int, int]


def pairs(words: int) -> list[Window]:
    """All runs of two among so many words."""
    return [(first, first + 2) for first in range(words - 1)]


def around(contributions: Mapping[Window, float], words: int) -> list[Window]:
    """Longer runs that are worth trying, in order: those of 3 to 5 words with a word of one of the strongest pairs.

    Args:
        contributions: of runs of one and of two words.
        words: how many there are.
    """
    strongest = sorted((window for window in contributions if _length(window) == 2), key=_by_strength(contributions))
    return sorted(
        {
            (first, first + length)
            for start, end in strongest[:EXTENDED_PAIRS]
            for length in range(3, MAX_PHRASE_WORDS + 1)
            for first in range(max(0, start + 1 - length), min(end, words - length + 1))
        }
    )


def standing_alone(contributions: Mapping[Window, float], count: int) -> list[Window]:
    """The strongest phrases, none of which overlap.

    A run of n words is a phrase if its first and its last word both belong to it: without either of them it would lose
    at least 1 / 2n of its contribution, half of an average word's share. What is left without a word must be known.

    Args:
        contributions: of runs of one to five words.
        count: phrases wanted at most.
    """
    phrases: list[Window] = []
    found = [window for window in contributions if _length(window) > 1 and _is_phrase(window, contributions)]
    for first, after in sorted(found, key=_by_strength(contributions)):
        if len(phrases) == count:
            break
        if all(after <= other_first or other_after <= first for other_first, other_after in phrases):
            phrases.append((first, after))
    return phrases


def _is_phrase(window: Window, contributions: Mapping[Window, float]) -> bool:
    first, after = window
    whole = contributions[window]
    parts = contributions.get((first + 1, after)), contributions.get((first, after - 1))
    sign = 1 if whole > 0 else -1
    most = abs(whole) * (1 - 1 / (2 * _length(window)))
    return whole != 0 and all(part is not None and part * sign <= most for part in parts)


def _length(window: Window) -> int:
    return window[1] - window[0]


def _by_strength(contributions: Mapping[Window, float]) -> Callable[[Window], tuple[float, Window]]:
    """A key that sorts the strongest first, and what is as strong by its place."""
    return lambda window: (-abs(contributions[window]), window)
