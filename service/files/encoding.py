"""Bytes in any encoding to UTF-8, and answers back."""

import codecs
import encodings
import re
from collections.abc import Iterator
from encodings.aliases import aliases

from service.errors import InvalidRequestError
from service.files.detection import guess_narrow, guess_wide, is_foreign
from service.files.record import UTF_8, Options
from service.files.signatures import BYTES, check_signature

SAMPLE_BYTES = 65_536
"""Bytes of a file within which its encoding and its line ends must show."""

# Python's own names. What is left out either is not text (rot13, idna), or changes what ASCII bytes mean (utf-7).
_CODECS = """
    ascii utf_8 utf_8_sig utf_16 utf_16_le utf_16_be utf_32 utf_32_le utf_32_be cp949 euc_kr johab latin_1
    cp437 cp850 cp852 cp866 cp874 cp932 cp936 cp950 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10 iso8859_13 iso8859_14
    iso8859_15 iso8859_16 koi8_r koi8_u mac_roman shift_jis euc_jp gbk gb2312 gb18030 big5
"""
_KNOWN = frozenset(_CODECS.split())
_WINDOWS_NAME = re.compile(r"(?:windows|x_windows|ms|x_cp)_?(\d+)")
# What a name is read as: the superset that programs mean by it; without a mark little-endian, as Windows writes it.
_MEANT = {
    "ascii": UTF_8,
    "utf_8_sig": UTF_8,
    "utf_8": UTF_8,
    "euc_kr": "cp949",
    "gb2312": "gbk",
    "utf_16": "utf_16_le",
    "utf_32": "utf_32_le",
}
_MARKS = {  # the longer ones first
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_MARK_BYTES = 4
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_KEEP = "sentiment-keep-bytes"
_FIRST_KEPT = 0xDC00
_KEPT = re.compile("([\udc00-\udcff]+)")


def encoding_named(name: str) -> str:
    """Return the encoding that a user names, in one spelling: "cp949" for "EUC-KR", "utf-16-le" for "UTF-16".

    Raises:
        InvalidRequestError: it is unknown.
    """
    key = encodings.normalize_encoding(name[:40]).lower()
    if found := _WINDOWS_NAME.fullmatch(key):
        key = f"cp{found[1]}"
    if key in ("ks_c_5601_1987", "uhc"):
        key = "cp949"
    codec = key if key in _KNOWN else aliases.get(key, "")
    if codec not in _KNOWN:
        raise InvalidRequestError(
            f"The encoding {name[:40]!r} is not known here; known are utf-8, utf-16, utf-32, cp949, euc-kr, cp1252, "
            "iso-8859-1 and other common ones."
        )
    return _MEANT.get(codec, codec).replace("_", "-")


def encode(answers: bytes, encoding: str) -> bytes:
    """Convert answers from UTF-8 to another encoding; bytes that could not be decoded become what they were."""
    parts = _KEPT.split(answers.decode("utf-8", "surrogatepass"))
    return b"".join(
        bytes(ord(character) - _FIRST_KEPT for character in part) if position % 2 else part.encode(encoding, "replace")
        for position, part in enumerate(parts)
    )


class Decoding:
    """Converts a file to UTF-8 with lines that end with LF, and refuses what cannot be read.

    A byte order mark decides on the encoding, then the name that was given. Without both the file should be UTF-8. It
    is refused at the first line beyond ASCII (within `SAMPLE_BYTES`) that is not, if another encoding is probable. Any
    other undecodable line is an error of that line alone. Nothing is passed on before the first line end, within that
    size: only then it is known whether lines end with CR alone, which becomes LF.

    Args:
        options: how the file is read, for messages.
        name: of the encoding, from `encoding_named`; None to detect it.
        resumed: whether the chunks continue a file in UTF-8 that was begun in another run.
    """

    def __init__(self, options: Options, name: str | None = None, resumed: bool = False) -> None:
        self._options = options
        self.encoding = name or UTF_8
        self.raw = name in (None, UTF_8)
        """True if the bytes are passed on unchanged."""
        self._marked = resumed  # or known to have no byte order mark
        self._started = resumed
        self._undecided = name is None and not resumed
        self._decoder: codecs.IncrementalDecoder | None = None
        self._cr = False
        self._held = b""
        self._line = b""  # the line that the last chunk ended with, while undecided
        self._lines = 0
        self._seen = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Convert a chunk.

        Raises:
            InvalidRequestError: the file is not text, or not UTF-8.
        """
        if not self._marked:
            chunk = self._held + chunk
            self._held = b""
            if len(chunk) < BYTES and not (b"\n" in chunk and (chunk.isascii() or len(chunk) >= _MARK_BYTES)):
                self._held = chunk
                return
            self._read_mark(chunk)
        yield from self._pass_on(self._to_utf_8(chunk))

    def finish(self) -> Iterator[bytes]:
        """Convert what is left.

        Raises:
            InvalidRequestError: the file is not text, or not UTF-8.
        """
        chunk = b""
        if not self._marked:
            chunk, self._held = self._held, b""
            self._read_mark(chunk)
        yield from self._pass_on(self._to_utf_8(chunk, last=True), last=True)

    def _to_utf_8(self, chunk: bytes, last: bool = False) -> bytes:
        return self._decoder.decode(chunk, last).encode("utf-8", "surrogatepass") if self._decoder else chunk

    def _read_mark(self, beginning: bytes) -> None:
        self._marked = True
        check_signature(beginning, self._options)
        for mark, name in _MARKS.items():
            if beginning.startswith(mark):
                self.encoding, self.raw, self._undecided = name, name == UTF_8, False
                break
        if self.encoding != UTF_8:
            self._decoder = codecs.getincrementaldecoder(self.encoding)(_KEEP)

    def _pass_on(self, data: bytes, last: bool = False) -> Iterator[bytes]:
        if not self._started:
            self._held += data
            first = self._first_line(last)
            if first is None:
                return
            self._started = True
            data, self._held = self._held, b""
            self._cr = b"\r" in data.rstrip(b"\r") and b"\n" not in data
            self.raw &= not self._cr
            if self._undecided and b"\0" in first and (wide := guess_wide(first[:1024])):
                raise self._refusal(1, wide)
        if self._cr:
            data = data.replace(b"\r", b"\n")
        if self._undecided:
            self._check(data, last)
        if data:
            yield data

    def _first_line(self, last: bool) -> bytes | None:
        """Return the first line, or None while it is not certain that it is complete, however the file is cut.

        A line in UTF-8 is complete with its LF. Any other might be in UTF-16 or UTF-32, so that all bytes of its end
        belong to it.
        """
        end = self._held.find(b"\n")
        if end < 0:
            return self._held if last or len(self._held) >= SAMPLE_BYTES else None
        line, rest = self._held[:end], self._held[: end + _MARK_BYTES]
        if b"\0" not in line and _is_utf_8(line):
            return line
        return rest if last or len(rest) == end + _MARK_BYTES else None

    def _check(self, data: bytes, last: bool) -> None:
        """Look for the first line beyond ASCII."""
        data = self._line + data
        self._seen += len(data) - len(self._line)
        found = _NOT_ASCII.search(data)
        start = data.rfind(b"\n", 0, found.start() if found else len(data)) + 1
        self._lines += data.count(b"\n", 0, start)
        end = data.find(b"\n", start) if found else -1
        if found and (end >= 0 or last):
            self._undecided = False
            line = data[start:] if end < 0 else data[start:end]
            try:
                line.decode()
            except UnicodeDecodeError:
                name = guess_narrow(line)
                if name or is_foreign(line):
                    raise self._refusal(self._lines + 1, name) from None
        elif self._seen > SAMPLE_BYTES:
            self._undecided, self._line = False, b""
        else:
            self._line = data[start:]

    def _refusal(self, line: int, name: str | None) -> InvalidRequestError:
        probably = f"the file is probably in {name}. Add" if name else "the file is in another encoding. Name it with"
        value = name or "NAME"
        header = "" if self._options.flags else f" (or '; charset={value}' in the Content-Type)"
        return InvalidRequestError(
            f"Line {line} of the file is not UTF-8; {probably} {self._options.option('encoding', value)}{header}, "
            "or save the file as UTF-8."
        )


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Map bytes that cannot be decoded to lone surrogates, for `encode` to map back.

    A lone surrogate is no text either, so that a line with one is an error.
    """
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(_FIRST_KEPT + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_KEEP, _keep_bytes)
