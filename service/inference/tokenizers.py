"""Every tokenizer there is: a new one is a module, and a line in both of these."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import Field

from service.inference.characters import CharactersSpec, CharacterTokenizer
from service.inference.keras_imdb import KerasImdbSpec, KerasImdbTokenizer
from service.inference.tokenizer import Tokenizer

AnyTokenizerSpec = Annotated[KerasImdbSpec | CharactersSpec, Field(discriminator="name")]
"""What a manifest may say of its tokenizer."""

TOKENIZERS: dict[str, Callable[[Sequence[str], Any], Tokenizer]] = {
    "keras-imdb": KerasImdbTokenizer,
    "characters": CharacterTokenizer,
}
"""What makes a tokenizer of a vocabulary, in order of rank, and the spec of this name."""
