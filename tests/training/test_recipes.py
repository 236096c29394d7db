"""The recipes' values."""

import json
from pathlib import Path

from training.recipes import LECTURE, RECIPES, free_version


def test_lecture_recipe_is_the_lectures() -> None:
    expected = {
        **{"name": "lecture", "model_name": "imdb-conv1d", "model_version": 1},
        **{"num_words": 500, "maxlen": 300, "padding": "post", "truncating": "pre"},
        **{"data_set": "imdb", "max_reviews": None},
        **{"embedding_dim": 100, "block_filters": [64, 128, 256], "convolutions_per_block": 2},
        **{"kernel_size": 5, "pool_size": 2},
        **{"learning_rate": 0.001, "batch_size": 32, "epochs": 15, "validation": "test", "seed": 113},
        "threshold": 0.5,
    }
    recorded = json.loads(json.dumps(LECTURE.as_dict()))
    assert recorded.pop("description")
    assert recorded == expected
    assert RECIPES["lecture"] is LECTURE


def test_a_free_version_is_one_more_than_the_highest(tmp_path: Path) -> None:
    assert free_version(tmp_path, "model") == 1
    for name in ("model/9", "model/10", "model/reports/99", "model/.11.partial", "other/20"):
        (tmp_path / name).mkdir(parents=True)
    assert free_version(tmp_path, "model") == 11
