"""`Content-Encoding`: gzip and deflate, of requests and of answers."""

import gzip
import io
import zlib

from service.api.headers import accepted_codings
from service.errors import BodyTooLargeError, InvalidRequestError, MediaTypeError

SMALL_BYTES = 1_000
"""Smallest body to compress for a client that accepts several codings."""


def decompress(body: bytes, coding: str, max_bytes: int) -> bytes:
    """Decompress the body of a request.

    Args:
        body: body as it was sent.
        coding: value of `Content-Encoding`.
        max_bytes: largest size of the content.

    Raises:
        MediaTypeError: the coding is unknown.
        InvalidRequestError: the body is not in this coding.
        BodyTooLargeError: the content is larger than `max_bytes`; no more than that is expanded.
    """
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise MediaTypeError(f"The content encoding is {coding!r}; gzip, deflate and none are read.")
    try:
        content = (_inflate if coding == "deflate" else _gunzip)(body, max_bytes + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidRequestError(f"The body is not {coding}, as its content encoding says: {error}.") from error
    if len(content) > max_bytes:
        raise BodyTooLargeError(f"A body may have {max_bytes:,} bytes before compression; send less at a time.")
    return content


def answer_coding(accept: str, size: int) -> str | None:
    """Choose the coding of an answer; None for no compression.

    Every general HTTP client lists all codings it knows on each request, and compressing a small answer costs both
    sides more time than it saves; one that names a single coding, as tritonclient does, was told to.

    Args:
        accept: the request's `Accept-Encoding`.
        size: bytes of the answer.
    """
    names = accepted_codings(accept)
    if len(names) > 1 and size < SMALL_BYTES:
        return None
    return next((coding for coding in ("gzip", "deflate") if coding in names), None)


def compress(body: bytes, coding: str) -> bytes:
    """Compress a body in a coding that `answer_coding` chose."""
    # The lowest level: on answers of this kind the others take longer and save next to nothing more.
    return gzip.compress(body, 1, mtime=0) if coding == "gzip" else zlib.compress(body, 1)


def _gunzip(body: bytes, limit: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(body)) as stream:
        return stream.read(limit)


def _inflate(body: bytes, limit: int) -> bytes:
    """Expand HTTP's deflate: the zlib format (RFC 9110, section 8.4.1.2), or raw deflate, as some clients send it."""
    has_header = len(body) > 1 and body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2], "big") % 31 == 0
    inflating = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
    content = inflating.decompress(body, limit)
    if len(content) < limit and (not inflating.eof or inflating.unused_data):
        raise zlib.error("its end is not where it should be")
    return content
