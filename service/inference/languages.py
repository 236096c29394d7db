"""Which language a text is in, as far as its script tells: a new language is a line in `SCRIPTS`."""

import re
from dataclasses import dataclass

AUTO = "auto"
"""In place of a model's name: the model of each text's language."""


@dataclass(frozen=True)
class Script:
    """Letters that tell of a language.

    Attributes:
        letters: runs of them.
        share: of all letters of a text, so many at the least.
    """

    letters: re.Pattern[str]
    share: float


SCRIPTS = {
    # A Hangul syllable is as much as two or three Latin letters, and Koreans write names and jokes in these.
    "ko": Script(re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb\uffa0-\uffdc]+"), 0.25),
    "en": Script(re.compile("[A-Za-z]+"), 0.5),
}
"""By language (ISO 639-1); the first one that has its share is the text's."""

_LETTERS = re.compile(r"[^\W\d_]+")
_READ_CHARACTERS = 2_000


def language_of(text: str) -> str | None:
    """The language that the script of a text tells, by its beginning; None if that tells none of `SCRIPTS`."""
    beginning = text[:_READ_CHARACTERS]
    letters = sum(map(len, _LETTERS.findall(beginning)))
    for language, script in SCRIPTS.items() if letters else ():
        if sum(map(len, script.letters.findall(beginning))) >= script.share * letters:
            return language
    return None
