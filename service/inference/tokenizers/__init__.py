"""Text to token ids: one module for each tokenizer, and the registry of them."""

from service.inference.tokenizers.registry import TOKENIZERS, TokenizerKind, create_tokenizer, read_spec
from service.inference.tokenizers.tokenizer import (
    OOV_ID,
    PAD_ID,
    START_ID,
    Encoded,
    FileName,
    Tokenizer,
    TokenizerSpec,
)

__all__ = [
    "OOV_ID",
    "PAD_ID",
    "START_ID",
    "TOKENIZERS",
    "Encoded",
    "FileName",
    "Tokenizer",
    "TokenizerKind",
    "TokenizerSpec",
    "create_tokenizer",
    "read_spec",
]
