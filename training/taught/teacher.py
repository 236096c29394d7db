"""The teacher: a small pre-trained transformer with a head for sentences and a head for reviews.

Both heads read the mean of the last layer's vectors.

Source: Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained
Transformers", NeurIPS 2020; the weights are sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0).
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tokenizers
import torch
import transformers
from numpy.typing import NDArray

from training.errors import DataError
from training.precision import reduced_precision

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PAD = 0
MOST_TOKENS = 192


class Teacher(torch.nn.Module):  # type: ignore[misc]
    """Token ids int64[batch, length], padded with 0 -> logits float32[batch, 2]: of sentence head and review head."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.encoder = transformers.AutoModel.from_pretrained(
            folder, attn_implementation="sdpa", add_pooling_layer=False
        )
        self.heads = torch.nn.Linear(self.encoder.config.hidden_size, 2)

    def forward(self, token_ids: torch.Tensor) -> torch.Tensor:
        """Compute the logits."""
        mask = (token_ids != PAD).long()
        with reduced_precision():
            vectors = self.encoder(input_ids=token_ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(vectors.dtype)
            mean = (vectors * weights).sum(1) / weights.sum(1)
            return self.heads(mean).float()


def check_weights(folder: Path) -> None:
    """Compare the weights in a folder with those that the recipe was made for.

    Raises:
        DataError: the file is missing or another one.
    """
    path = folder / "model.safetensors"
    if not path.is_file():
        raise DataError(f"{path} is missing: TEACHER_DIR names a folder with the files of all-MiniLM-L6-v2.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise DataError(f"{path} does not hold the weights of all-MiniLM-L6-v2: its SHA-256 is another.")


class Reader:
    """Texts to the transformer's token ids."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MOST_TOKENS)

    def read(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokenize texts."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]


def padded(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """Pad token ids to the longest row: int64[n, length]."""
    ids = np.full((len(rows), max(map(len, rows))), PAD, np.int64)
    for row, values in zip(ids, rows, strict=True):
        row[: len(values)] = values
    return ids
