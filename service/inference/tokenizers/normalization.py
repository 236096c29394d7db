"""Text as a person reads it: markup, invisible characters, half and full width, and decomposed characters.

`normalize` gives the text that a tokenizer splits; `align` gives the same text with the place of each character in the
original, for explanations. Both take time linear in the length of the text.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

MAX_MARKS = 30
"""Combining marks that are read after one character, the bound of the Stream-Safe Text Format (UAX #15, D4). Canonical
ordering takes time quadratic in their number."""

Match = re.Match[str]

# Elements of HTML that reviews are pasted with. `br` is apart: IMDB's reviews have it as a word.
_INLINE = "a|abbr|b|big|code|em|font|i|mark|q|s|small|span|strike|strong|sub|sup|tt|u"
_BLOCK = "blockquote|center|div|h[1-6]|hr|img|li|ol|p|pre|table|tbody|td|th|thead|tr|ul"
_TAG = re.compile(rf"</?(?:(?i:({_INLINE})|{_BLOCK}))(?:[\s/][^<>]*)?>", re.ASCII)
_LINE_BREAK = re.compile(r"</?(?i:br)(?:[\s/][^<>]*)?>", re.ASCII)
_ENTITY = re.compile("&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

_FILLERS = "\u3164\uffa0\u2800"  # letters and a symbol that look like a space
_IGNORABLE = (  # characters with the property Default_Ignorable_Code_Point, without the fillers
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_VISIBLE_START = re.compile(rf"[^\W\u115f\u1160{_FILLERS}]")
_POSSIBLE_MARKS = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_MARKS + 1},}}")  # no combining mark is a word character


@dataclass(frozen=True, slots=True)
class Aligned:
    """A normalized text and the places of its characters in the original.

    Attributes:
        text: as of `normalize`.
        starts: the first character of the original that each character of `text` stands for.
        ends: the character after the last of these.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def span(self, match: Match) -> tuple[int, int]:
        """Return the place in the original of a match, not empty, in `text`."""
        return self.starts[match.start()], self.ends[match.end() - 1]


def normalize(text: str, *, line_breaks: bool) -> str:
    """Return a text as a person reads it.

    Args:
        text: any text without surrogates.
        line_breaks: read `<br>` as a line break; a model that was trained on texts with the tag needs it as it is.

    Tags of common elements disappear (those that begin a block become a space), character references such as `&#39;`
    become their characters, invisible characters disappear, full-width and half-width forms become the usual ones, and
    characters are composed (NFC).
    """
    if "<" in text:
        text = _TAG.sub(_read_tag, text)
        if line_breaks:
            text = _LINE_BREAK.sub("\n", text)
    if "&" in text:
        text = _ENTITY.sub(_read_entity, text)
    if text.isascii():
        return text
    if _FOLDABLE.search(text):
        text = _FOLDED.sub(_fold, text)
    if unicodedata.is_normalized("NFC", text):  # it finds marks in the wrong order without sorting them
        return text
    return unicodedata.normalize("NFC", _POSSIBLE_MARKS.sub(_bound_marks, text))


def align(text: str, *, line_breaks: bool) -> Aligned:
    """Normalize a text and keep the place of each character (see `normalize`)."""
    places = range(len(text))
    aligned = Aligned(text, [*places], [place + 1 for place in places])
    if normalize(text, line_breaks=line_breaks) == text:
        return aligned
    steps: list[tuple[re.Pattern[str], Callable[[Match], str]]] = [
        (_TAG, _read_tag),
        *([(_LINE_BREAK, lambda _: "\n")] if line_breaks else []),
        (_ENTITY, _read_entity),
        (_FOLDED, _fold),
        (_POSSIBLE_MARKS, _bound_marks),
    ]
    for pattern, replacement in steps:
        if pattern is _POSSIBLE_MARKS and unicodedata.is_normalized("NFC", aligned.text):
            break  # as `normalize` leaves marks that are in order
        pieces = [(*match.span(), replacement(match)) for match in pattern.finditer(aligned.text)]
        aligned = _replaced(aligned, pieces)
    return _replaced(aligned, [*_composed(aligned.text)])


def is_blank(text: str) -> bool:
    """Tell whether a text has nothing visible."""
    if _VISIBLE_START.match(text):
        return False
    return all(
        character.isspace() or unicodedata.category(character) in ("Cc", "Cf")
        for character in normalize(text, line_breaks=True)
    )


def _read_tag(match: Match) -> str:
    return "" if match[1] else " "


def _read_entity(match: Match) -> str:
    return html.unescape(match[0])


def _bound_marks(match: Match) -> str:
    """Drop the combining marks that follow `MAX_MARKS` others."""
    kept, marks = [], 0
    for character in match[0]:
        is_mark = unicodedata.combining(character) or unicodedata.combining(unicodedata.normalize("NFD", character)[0])
        marks = marks + 1 if is_mark else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)


def _fold(match: Match) -> str:
    """Return the usual form of what `_FOLDED` matches."""
    return _syllable(match[0]) if match[1] else _FOLDS.get(match[0], "")


@cache
def _syllable(half_width: str) -> str:
    """Return the syllable of two or three half-width jamo, of which there are some 11,000."""
    jamo = map(_jamo, ("CHOSEONG", "JUNGSEONG", "JONGSEONG"), half_width)
    return unicodedata.normalize("NFC", "".join(jamo))


def _jamo(position: str, half_width: str) -> str:
    """Return the conjoining jamo of a half-width one: at the start, in the middle or at the end of a syllable."""
    return unicodedata.lookup(f"HANGUL {position} {unicodedata.name(half_width).removeprefix(_HALF_WIDTH)}")


def _width_folds() -> Iterator[tuple[str, str]]:
    """Yield full-width and half-width forms with the character that each is a form of."""
    for character in map(chr, range(0xFF01, 0xFFF0)):
        form, _, code = unicodedata.decomposition(character).partition(" ")
        if form in ("<wide>", "<narrow>"):
            yield character, chr(int(code, 16))


_HALF_WIDTH = "HALFWIDTH HANGUL LETTER "
_FOLDS = dict(_width_folds()) | dict.fromkeys(_FILLERS, " ")
_VOWELS = "[\uffc2-\uffc7\uffca-\uffcf\uffd2-\uffd7\uffda-\uffdc]"
_LEADS = "[\uffa1\uffa2\uffa4\uffa7-\uffa9\uffb1-\uffb3\uffb5-\uffbe]"
_TAILS = "[\uffa1-\uffa7\uffa9-\uffb2\uffb4-\uffb8\uffba-\uffbe]"
_FOLDABLE = re.compile(f"[{_IGNORABLE}{''.join(_FOLDS)}]")
_FOLDED = re.compile(f"({_LEADS})({_VOWELS})({_TAILS}(?!{_VOWELS}))?|{_FOLDABLE.pattern}")
"""A syllable in half-width jamo, an invisible character, or a character of another width."""


def _replaced(aligned: Aligned, pieces: list[tuple[int, int, str]]) -> Aligned:
    """Replace parts of an aligned text.

    Args:
        aligned: the text.
        pieces: start, end and replacement of each part, in order.
    """
    if not pieces:
        return aligned
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for start, end, new in [*pieces, (len(aligned.text), len(aligned.text), "")]:
        text += aligned.text[done:start], new
        starts += aligned.starts[done:start]
        ends += aligned.ends[done:start]
        if new:
            starts += [aligned.starts[start]] * len(new)
            ends += [aligned.ends[end - 1]] * len(new)
        done = end
    return Aligned("".join(text), starts, ends)


def _composed(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the parts of a text that NFC changes: start, end and what it makes of each."""
    for start, end in _composing(text):
        characters = [unicodedata.normalize("NFC", character) for character in text[start:end]]
        composed = unicodedata.normalize("NFC", text[start:end])
        if composed == "".join(characters):
            yield from ((start + place, start + place + 1, own) for place, own in enumerate(characters))
        else:
            yield start, end, composed


def _composing(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text that can be composed (NFC) one by one."""
    if unicodedata.is_normalized("NFC", text):
        return
    start = 0
    for place in range(1, len(text)):
        if unicodedata.combining(text[place]):
            continue
        before, character = text[start:place], text[place]
        apart = unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", character)
        if unicodedata.normalize("NFC", before + character) == apart:
            yield start, place
            start = place
    yield start, len(text)
