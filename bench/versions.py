"""Models against each other, from text to probability on one thread: `python -m bench.versions`."""

import time
from collections.abc import Sequence
from pathlib import Path

import click
from numpy.random import default_rng

from bench.texts import reviews, shortened
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor

ROUNDS = 7
BATCH = 32


def measure(predictors: dict[str, Predictor], texts: Sequence[str]) -> dict[str, float]:
    """Texts a second, tokenizing counted: the best of several rounds, in which the models take turns."""
    best = dict.fromkeys(predictors, float("inf"))
    for number in range(ROUNDS):
        for name in default_rng(number).permutation(list(predictors)).tolist():
            started = time.perf_counter()
            for start in range(0, len(texts), BATCH):
                predictors[name].predict(texts[start : start + BATCH])
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: len(texts) / seconds for name, seconds in best.items()}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("models", nargs=-1)
@click.option("--texts", "count", type=click.IntRange(1), default=2_000, show_default=True)
def main(models: tuple[str, ...], count: int) -> None:
    """Measure MODELS, such as imdb-conv1d/1 imdb-conv1d/2, in both precisions, the others as a ratio to the first."""
    chosen = models or ("imdb-conv1d/1", "imdb-conv1d/2")
    texts, source = reviews(count)
    for kind, these in ((f"full reviews ({source})", texts), ("20-word texts", shortened(texts, 20))):
        click.echo(f"### {kind}\n\n| model | float32, texts/s | ratio | int8, texts/s | ratio |\n|---|---|---|---|---|")
        rates = {}
        for precision in ("float32", "int8"):
            bundles = {name: open_bundle(Path("models", name)) for name in chosen}
            rates[precision] = measure({n: Predictor.load(b, precision) for n, b in bundles.items()}, these)
        for name in chosen:
            cells = [f"{rate[name]:,.0f} | {rate[name] / rate[chosen[0]]:.2f}" for rate in rates.values()]
            click.echo(f"| {name} | {' | '.join(cells)} |")
        click.echo("")


if __name__ == "__main__":
    main()
