"""The language of a text, by its script: a new language is a line in `SCRIPTS`."""

import re
from dataclasses import dataclass

AUTO = "auto"
"""Name that selects the model by the language of each text."""


@dataclass(frozen=True)
class Script:
    """The letters of a language.

    Attributes:
        letters: pattern of one or more of them.
        share: smallest share of them among all letters of a text in this language.
    """

    letters: re.Pattern[str]
    share: float


SCRIPTS = {
    # A Hangul syllable has the content of two or three Latin letters, and Korean texts mix in Latin names and words.
    "ko": Script(re.compile("[\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7fb\uffa0-\uffdc]+"), 0.25),
    "en": Script(re.compile("[A-Za-z]+"), 0.5),
}
"""Scripts by language (ISO 639-1); a text is in the first language whose letters have their share."""

_LETTERS = re.compile(r"[^\W\d_]+")
_READ_CHARACTERS = 2_000


def language_of(text: str) -> str | None:
    """Detect the language of a text by the script of its beginning; None if no language of `SCRIPTS` fits."""
    beginning = text[:_READ_CHARACTERS]
    letters = sum(map(len, _LETTERS.findall(beginning)))
    for language, script in SCRIPTS.items() if letters else ():
        if sum(map(len, script.letters.findall(beginning))) >= script.share * letters:
            return language
    return None
