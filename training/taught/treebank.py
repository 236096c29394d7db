"""Read the Stanford Sentiment Treebank: sentences and their phrases, labelled by people.

Source: Socher et al., "Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank", EMNLP 2013.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.errors import DataError

NEUTRAL = 2
"""Middle of the five labels: 0 and 1 are negative, 3 and 4 are positive."""
TRAIN_FILE, DEV_FILE = "train.txt", "dev.txt"

_NODE = re.compile(r"\((\d) ?|([^()\s]+)\)|\)")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-lrb-": "(", "-rrb-": ")", "``": '"', "''": '"'}
_CLITIC = re.compile(r" (n't|'(?:s|re|ve|ll|d|m)\b)", re.IGNORECASE)
_CLOSING = re.compile(r" ([,.;:!?)%]|\.\.\.)")
_OPENING = re.compile(r"([($]) ")
_QUOTED = re.compile(r'" ?([^"]*?) ?"')
_CANNOT = re.compile(r"\b(can) not\b", re.IGNORECASE)
_FRAGMENT = re.compile(r"^(?:n't|'(?:s|re|ve|ll|d|m))\b", re.IGNORECASE)


@dataclass(frozen=True)
class Phrase:
    """Text of a node of a tree.

    Attributes:
        words: tokens of the treebank.
        first: place of the first of them in the sentence.
        label: 0 (very negative) to 4 (very positive).
        whole: true of the root, the sentence.
    """

    words: tuple[str, ...]
    first: int
    label: int
    whole: bool

    @property
    def text(self) -> str:
        """Return the text as people type it."""
        return joined_words(self.words)


def read_treebank(path: Path) -> list[list[Phrase]]:
    """Read the trees of a file: the phrases of each, the sentence last.

    Raises:
        DataError: the file is missing or holds no trees.
    """
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path} cannot be read ({error}). SST_DATA_DIR names a folder with train.txt and dev.txt."
        ) from error
    trees = [list(_phrases(line)) for line in lines]
    if not trees or not all(tree and tree[-1].whole for tree in trees):
        raise DataError(f"{path} is not a file of the treebank: a line of it is no tree in brackets.")
    return trees


def binary_sentences(trees: list[list[Phrase]]) -> list[tuple[str, int]]:
    """Select the sentences that are not neutral: text, and 1 if positive."""
    roots = (tree[-1] for tree in trees)
    return [(root.text, int(root.label > NEUTRAL)) for root in roots if root.label != NEUTRAL]


def labelled_phrases(trees: list[list[Phrase]]) -> dict[str, float]:
    """Collect each distinct phrase with the mean of its labels; a fragment that begins with a clitic is left out."""
    labels: dict[str, list[int]] = {}
    for tree in trees:
        for phrase in tree:
            text = phrase.text
            if not _FRAGMENT.match(text) and re.search(r"\w", text):
                labels.setdefault(text, []).append(phrase.label)
    return {text: sum(values) / len(values) for text, values in labels.items()}


def joined_words(words: Sequence[str]) -> str:
    """Join tokens of the treebank to text as people type it: `do n't` -> `don't`, no blank before a comma."""
    text = " ".join(_BRACKETS.get(word, word) for word in words).replace("\\", "")
    for pattern, replacement in (
        (_CLITIC, r"\1"),
        (_CLOSING, r"\1"),
        (_OPENING, r"\1"),
        (_QUOTED, r'"\1"'),
        (_CANNOT, r"\1not"),
    ):
        text = pattern.sub(replacement, text)
    return text


def _phrases(line: str) -> Iterator[Phrase]:
    """Walk a tree in brackets; a node follows its children."""
    words: list[str] = []
    open_nodes: list[tuple[int, int]] = []  # label, first word
    for match in _NODE.finditer(line):
        if match[1]:
            open_nodes.append((int(match[1]), len(words)))
            continue
        if match[2]:
            words.append(match[2])
        if not open_nodes:
            return
        label, first = open_nodes.pop()
        yield Phrase(tuple(words[first:]), first, label, not open_nodes)
