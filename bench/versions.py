"""Models against each other, from text to probability on one thread: `python -m bench.versions`."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from numpy.random import default_rng

from bench.texts import korean_reviews, reviews, shortened
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor

ROUNDS = 7
BATCH = 32


def measure(predictors: dict[str, Predictor], texts: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Texts a second, tokenizing counted: the best of several rounds, in which the models take turns.

    Args:
        predictors: by name.
        texts: for each of them, by the language that it reads.
    """
    best = dict.fromkeys(predictors, float("inf"))
    for number in range(ROUNDS):
        for name in default_rng(number).permutation(list(predictors)).tolist():
            own = texts[predictors[name].manifest.language]
            started = time.perf_counter()
            for start in range(0, len(own), BATCH):
                predictors[name].predict(own[start : start + BATCH])
            best[name] = min(best[name], (time.perf_counter() - started) / len(own))
    return {name: 1 / seconds for name, seconds in best.items()}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("models", nargs=-1)
@click.option("--texts", "count", type=click.IntRange(1), default=2_000, show_default=True)
def main(models: tuple[str, ...], count: int) -> None:
    """Measure MODELS, such as imdb-conv1d/1 imdb-conv1d/3, in both precisions, the others as a ratio to the first."""
    chosen = models or ("imdb-conv1d/1", "imdb-conv1d/3", "nsmc-conv1d/2")
    english, source = reviews(count)
    korean = korean_reviews(count)
    kinds = {
        f"whole reviews ({source})": {"en": english, "ko": korean},
        "20-word texts": {"en": shortened(english, 20), "ko": shortened(korean, 20)},
        "30-character texts": {"en": [text[:30] for text in english], "ko": [(text * 30)[:30] for text in korean]},
    }
    bundles = {name: open_bundle(Path("models", name)) for name in chosen}
    for kind, texts in kinds.items():
        click.echo(f"### {kind}\n\n| model | float32, texts/s | ratio | int8, texts/s | ratio |\n|---|---|---|---|---|")
        rates = {
            precision: measure({name: Predictor.load(bundle, precision) for name, bundle in bundles.items()}, texts)
            for precision in ("float32", "int8")
        }
        for name in chosen:
            cells = [f"{rate[name]:,.0f} | {rate[name] / rate[chosen[0]]:.2f}" for rate in rates.values()]
            click.echo(f"| {name} | {' | '.join(cells)} |")
        click.echo("")


if __name__ == "__main__":
    main()
