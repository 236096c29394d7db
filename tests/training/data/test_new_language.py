"""A language is added exactly as docs/new-language.md says: its code is read from the page and run."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.training.conftest import TINY
from tests.training.test_run import Finished, training
from training import recipes
from training.errors import RecipeError

PAGE = Path(__file__).parents[3] / "docs/new-language.md"


def blocks() -> list[str]:
    """Return the code of the page: the data set, and the recipe."""
    found = re.findall(r"^```py\n(.*?)^```\n", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    return found


def smaller(base: recipes.LectureRecipe, **choices: Any) -> recipes.LectureRecipe:
    """Stand in for `dataclasses.replace`: what the page says, in a network that fits in a second."""
    tiny = ("block_filters", "convolutions_per_block", "kernel_size", "maxlen", "embedding_dim", "batch_size")
    return replace(base, **choices | {name: getattr(TINY, name) for name in tiny} | {"num_words": 12})


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Add the language of the page, with a small network, and write its data."""
    names: dict[str, Any] = {"__name__": "german_reviews"}
    data_set, recipe = blocks()
    exec(compile(data_set, str(PAGE), "exec"), names)  # noqa: S102 (our own page)
    monkeypatch.setitem(recipes.RECIPES, "german", recipes.LECTURE)  # so that it is taken out again
    exec(compile(recipe, str(PAGE), "exec"), names | vars(recipes) | {"replace": smaller})  # noqa: S102
    random = np.random.default_rng(4)
    words = ["Schön", "gut", "Film", "schlecht", "öde", "nicht", "über", "Straße"]
    for name in ("train", "test"):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            rows = [(" ".join(random.choice(words, 7)), row % 2) for row in range(60)]
            csv.writer(file).writerows([("text", "label"), *rows])
    return tmp_path


def test_the_language_of_the_page_is_explored_and_trained_by_the_command_line(data_dir: Path, tmp_path: Path) -> None:
    explored = training("explore", "--data", "german", "--data-dir", data_dir, "--output", tmp_path / "explore")
    assert explored.stderr == ""
    found = json.loads((tmp_path / "explore/explore.json").read_text())
    assert found["words"]["in_index"] == 8
    assert "schön" in [word for word, _ in found["words"]["most_frequent"]]
    done: Finished = training("--recipe", "german", "--data-dir", data_dir, "--run-dir", tmp_path / "run")
    assert (done.code, done.stderr) == (0, "")
    bundle = open_bundle(tmp_path / "run/models/german-conv1d/1")
    assert (bundle.manifest.language, bundle.manifest.recipe["data_set"]) == ("de", "german")
    assert bundle.manifest.recipe["min_count"] == 2
    [answer] = Predictor.load(bundle, "float32").predict(["Ein schöner Film über die Straße"])
    assert answer.known_words == 3


def test_a_recipe_whose_choice_would_be_ignored_is_refused() -> None:
    with pytest.raises(RecipeError, match="pads behind a text"):
        replace(recipes.RECIPES["korean"], padding="pre")
