"""Define the recipe of models of a user's own texts."""

from dataclasses import dataclass

from training.recipes import BundleRecipe


@dataclass(frozen=True)
class OwnRecipe(BundleRecipe):
    """Hold the choices of n-gram weights on a user's own texts; docs/own-data.md has the figures behind them."""

    file: str  # with the texts
    text_column: str
    label_column: str
    group_column: str | None  # whose values are never on both sides of a split
    start_from: str | None  # the model whose answer counts beside the n-grams, <name>/<version>
    language: str  # ISO 639-1
    max_words: int  # token ids at most
    min_count: int  # times that a word has to occur
    max_order: int  # words or characters in the longest n-grams
    min_texts: int  # that an n-gram must be in
    strengths: tuple[float, ...]  # inverse L2 penalties that are tried


MAX_ORDERS = {"en": 2, "ko": 4}
"""Length of the longest n-grams: of words, or for Korean of characters."""
