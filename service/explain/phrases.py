"""The phrases of a text: the windows of words to try, and the choice among them.

A window is a range of positions of words, (first, after).
"""

from collections.abc import Callable, Mapping

MAX_PHRASE_WORDS = 5
EXTENDED_PAIRS = 12
"""Number of the strongest pairs of neighbours around which longer windows are tried: at most 15 for each."""

Window = tuple[int, int]


def pairs(words: int) -> list[Window]:
    """Return all windows of two words in a text of so many words."""
    return [(first, first + 2) for first in range(words - 1)]


def around(contributions: Mapping[Window, float], words: int) -> list[Window]:
    """Return the longer windows to try, in order: those of 3 to 5 words with a word of one of the strongest pairs.

    Args:
        contributions: contributions of windows of one and of two words.
        words: number of words.
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
    """Choose the strongest phrases that do not overlap.

    A window of n words is a phrase if its first and its last word both belong to it: without either of them it would
    lose at least 1 / 2n of its contribution, half of an average word's share. The contributions of the windows without
    either word must be given.

    Args:
        contributions: contributions of windows of one to five words.
        count: largest number of phrases.
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
    """Make a sort key: the strongest windows first, equal ones by their place."""
    return lambda window: (-abs(contributions[window]), window)
