"""Names that a client has misspelt, and the ones that it probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_NAME_CHARS = 80
_OF_OTHERS = frozenset(
    {
        "content",
        "data",
        "document",
        "input",
        "inputs",
        "instances",
        "query",
        "review",
        "reviews",
        "sentence",
        "sequence",
    }
)
"""Names that other services have for the text."""


def suggestion(name: str, names: Iterable[str]) -> str:
    """Say which name was probably meant, and which ones there are.

    Args:
        name: that a client has sent.
        names: that there are.
    """
    names = sorted(names)
    if not names:
        return "There is none."
    name = name[:_MAX_NAME_CHARS].lower()
    close = get_close_matches(name, names, n=1)
    if not close and name in _OF_OTHERS and "text" in names:
        close = ["text"]
    meant = f"Did you mean {close[0]}? " if close else ""
    return f"{meant}Known: {', '.join(names)}."


def shown(name: str) -> str:
    """Quote a name in a message, without what is beyond the length of any name."""
    return repr(name[:_MAX_NAME_CHARS])
