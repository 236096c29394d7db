"""Count the values of JSON before it is parsed.

A parser needs 30 to 120 bytes of memory for each value, though a value may be sent in two bytes: 15 MB of `[],[],…`
take almost 2 GB and seconds. So the values of a large body are counted in its bytes first.
"""

from service.errors import BodyTooLargeError

UNCOUNTED_BYTES = 65_536
"""Largest body that is parsed without counting: whatever it holds, it takes a few megabytes of memory."""


def check_json_size(body: bytes, max_values: int) -> None:
    """Refuse JSON with more values than any valid request has.

    Each value but the first follows a comma or an opening bracket; those within strings do not count. Time and memory
    are linear in the size of the body, which need not be valid JSON.

    Args:
        body: JSON in UTF-8.
        max_values: numbers, strings, literals, lists and objects that it may have; a member counts once.

    Raises:
        BodyTooLargeError: it has more.
    """
    if len(body) > UNCOUNTED_BYTES and has_more_values(body, max_values):
        raise BodyTooLargeError(f"The body has more than {max_values:,} JSON values; send fewer texts at a time.")


def has_more_values(body: bytes, max_values: int) -> bool:
    """Tell whether JSON has more than `max_values` values, as `check_json_size` counts them."""
    if _count(body) <= max_values:
        return False
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")  # what is left of quotes begins and ends strings
    return plain.count(b'"') > 4 * max_values or _count(b"".join(plain.split(b'"')[::2])) > max_values


def _count(body: bytes) -> int:
    """Count the values of JSON without strings; an upper bound where it has strings."""
    return 1 + sum(body.count(separator) for separator in (b",", b"[", b"{"))
