"""The recipes' values."""

import json

from training.recipes import LECTURE, RECIPES


def test_lecture_recipe_is_the_lectures() -> None:
    expected = {
        **{"name": "lecture", "model_name": "imdb-conv1d", "model_version": 1},
        **{"num_words": 500, "maxlen": 300, "padding": "post", "truncating": "pre"},
        "max_reviews": None,
        **{"embedding_dim": 100, "block_filters": [64, 128, 256], "convolutions_per_block": 2},
        **{"kernel_size": 5, "pool_size": 2},
        **{"learning_rate": 0.001, "batch_size": 32, "epochs": 15, "validation": "test", "seed": 113},
        "threshold": 0.5,
    }
    recorded = json.loads(json.dumps(LECTURE.as_dict()))
    assert recorded.pop("description")
    assert recorded == expected
    assert RECIPES["lecture"] is LECTURE
