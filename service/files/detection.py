"""Guesses the encoding of a file that is not UTF-8, for the message that refuses it."""

import re

WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")

_PUNCTUATION = set("‘’‚“”„–—…€£¥©®™°·•«»¿¡§½¼¾×\xa0")
_MIN_ASCII_SHARE = 0.05
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_LONG_RUN = re.compile(rb"[\x80-\xff]{3}")
_MANY_BYTES = 6
_MIN_BYTES_BEYOND = 4  # one in so many bytes


def guess_wide(data: bytes) -> str | None:
    """Guess UTF-16 or UTF-32 without a byte order mark.

    Their ASCII characters (commas, blanks, line ends at the least) have zero bytes, and in the wrong one of the four
    they turn into others.

    Args:
        data: the beginning of a file, with a NUL in it.
    """
    best, most = None, 0
    if len(_NOT_ASCII.findall(data)) + data.count(0) < len(data) / _MIN_BYTES_BEYOND:
        return None  # UTF-8 with a stray NUL: any character here has such a byte
    for name in WIDE:
        width = 2 if "16" in name else 4
        try:
            text = data[: len(data) // width * width].decode(name)
        except UnicodeDecodeError:
            continue
        ascii_count = sum(character.isascii() for character in text)
        printable = all(character.isprintable() or character in "\ufeff\t\r\n" for character in text)
        ends = "\n" in text or b"\n" not in data
        if printable and ends and ascii_count > max(most, _MIN_ASCII_SHARE * len(text)):
            best, most = name, ascii_count
    return best


def guess_narrow(line: bytes) -> str | None:
    """Guess the encoding of a line that is not UTF-8, of those that Excel and PowerShell write here: cp949 or cp1252.

    Most syllables of Korean text are among the 2,350 of EUC-KR. The other ones that cp949 has consist of a byte beyond
    ASCII and mostly a letter, as does an accent or apostrophe of cp1252 within a word. Text in cp1252 has few of these
    in a row.

    Args:
        line: a whole line.
    """
    try:
        syllables = [character for character in line.decode("cp949") if "가" <= character <= "힣"]
        common = len("".join(syllables).encode("euc_kr", "ignore")) // 2
    except UnicodeDecodeError:
        syllables, common = [], 0
    if common > len(syllables) / 2:
        return "cp949"
    try:
        beyond = [character for character in line.decode("cp1252") if not character.isascii()]
    except UnicodeDecodeError:
        return None
    if _LONG_RUN.search(line):
        return None
    if all(character in _PUNCTUATION or (character.isalpha() and character not in "þÿ") for character in beyond):
        return "cp1252"
    return None


def is_foreign(line: bytes) -> bool:
    """Tell whether a line that is not UTF-8 has much beyond ASCII and no character of UTF-8 among it."""
    return len(_NOT_ASCII.findall(line)) >= _MANY_BYTES and line.decode("utf-8", "ignore").isascii()
