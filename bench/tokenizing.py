"""Text to token ids: the service's tokenizer against a plain loop, microseconds a text."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from bench.usual_model import plain_token_ids
from service.inference.bundle import open_bundle
from service.inference.tokenizers.keras_imdb import KerasImdbSpec, KerasImdbTokenizer

ROUNDS = 12
BATCH = 32


def measure(bundle_path: Path, texts: Sequence[str]) -> dict[str, float]:
    """The least of several rounds, in which the contenders take turns."""
    bundle = open_bundle(bundle_path)
    vocabulary, spec = bundle.read_vocabulary(), cast(KerasImdbSpec, bundle.manifest.tokenizer)
    tokenizer = KerasImdbTokenizer(vocabulary, spec)
    index = {word: rank for rank, word in enumerate(vocabulary, start=1)}

    def plain() -> None:
        for text in texts:
            plain_token_ids(text, index, spec)

    def alone() -> None:
        for text in texts:
            tokenizer.encode([text])

    def in_batches() -> None:
        for start in range(0, len(texts), BATCH):
            tokenizer.encode(texts[start : start + BATCH])

    contenders: dict[str, Callable[[], None]] = {
        "plain loop": plain,
        "this service, one text": alone,
        f"this service, {BATCH} texts": in_batches,
    }
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender()
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: seconds / len(texts) * 1e6 for name, seconds in best.items()}
