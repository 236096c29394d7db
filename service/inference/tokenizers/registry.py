"""The registry of tokenizers: a new tokenizer is a module and a line in `TOKENIZERS`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from service.inference.tokenizers.characters import CharactersSpec, CharacterTokenizer
from service.inference.tokenizers.keras_imdb import KerasImdbSpec, KerasImdbTokenizer
from service.inference.tokenizers.tokenizer import Tokenizer, TokenizerSpec


@dataclass(frozen=True)
class TokenizerKind:
    """A kind of tokenizer.

    Attributes:
        spec: model of its part of the manifest.
        create: builds the tokenizer from a vocabulary, in order of rank, and its spec.
    """

    spec: type[TokenizerSpec]
    create: Callable[[Sequence[str], Any], Tokenizer]


TOKENIZERS = {
    "keras-imdb": TokenizerKind(KerasImdbSpec, KerasImdbTokenizer),
    "characters": TokenizerKind(CharactersSpec, CharacterTokenizer),
}
"""Kinds of tokenizers by the name that a manifest has for them."""


def read_spec(value: Any) -> TokenizerSpec:
    """Validate the tokenizer's part of a manifest with the model of its kind.

    Raises:
        ValueError: the name is not one of `TOKENIZERS`, or a setting is wrong.
    """
    if isinstance(value, TokenizerSpec):
        return value
    name = value.get("name") if isinstance(value, dict) else None
    kind = TOKENIZERS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ValueError(f"there is no tokenizer {name!r}; there is {', '.join(map(repr, TOKENIZERS))}")
    try:
        return kind.spec.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(".".join(map(str, (name, *first["loc"]))) + f": {first['msg']}") from error


def create_tokenizer(vocabulary: Sequence[str], spec: TokenizerSpec) -> Tokenizer:
    """Build the tokenizer that a spec describes.

    Args:
        vocabulary: words or characters in order of their rank, the most frequent first.
        spec: the tokenizer's part of the manifest.

    Raises:
        ValueError: the vocabulary is not one of this tokenizer.
    """
    return TOKENIZERS[spec.name].create(vocabulary, spec)
