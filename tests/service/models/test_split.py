from collections import Counter
from pathlib import Path

import pytest

from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.models.split import Split
from tests.service.conftest import write_small_bundle

KEYS = [f"user-{number}" for number in range(4_000)]


@pytest.fixture(scope="module")
def predictors(tmp_path_factory: pytest.TempPathFactory) -> list[Predictor]:
    folder: Path = tmp_path_factory.mktemp("models")
    return [Predictor.load(open_bundle(write_small_bundle(folder, n).path), "float32") for n in (1, 2, 3)]


def split(predictors: list[Predictor], *shares: float, name: str = "small") -> Split:
    return Split(name, dict(zip(predictors, shares, strict=False)))


def test_a_key_gets_the_same_version_each_time_and_keys_divide_as_the_shares_say(predictors: list[Predictor]) -> None:
    divided = split(predictors, 0.75, 0.25)
    chosen = [divided.choose(key) for key in KEYS]
    assert chosen == [split(predictors, 0.75, 0.25).choose(key) for key in KEYS]
    assert Counter(chosen)[predictors[1]] == pytest.approx(1_000, abs=6 * (4_000 * 0.75 * 0.25) ** 0.5)


def test_the_choice_of_a_key_is_the_same_for_good(predictors: list[Predictor]) -> None:
    numbers = [split(predictors, 0.5, 0.5).choose(f"user-{n}").name.version for n in range(8)]
    assert numbers == [2, 2, 1, 2, 1, 1, 2, 2]


def test_keys_of_the_last_version_keep_it_when_its_share_grows(predictors: list[Predictor]) -> None:
    before, after = split(predictors, 0.95, 0.05), split(predictors, 0.7, 0.3)
    had = [key for key in KEYS if before.choose(key) is predictors[1]]
    assert had
    assert all(after.choose(key) is predictors[1] for key in had)


def test_each_model_divides_the_keys_in_a_way_of_its_own(predictors: list[Predictor]) -> None:
    one, other = split(predictors, 0.5, 0.5), split(predictors, 0.5, 0.5, name="other")
    same = sum(one.choose(key) is other.choose(key) for key in KEYS)
    assert same == pytest.approx(2_000, abs=200)


def test_without_a_key_requests_divide_by_themselves(predictors: list[Predictor]) -> None:
    divided = split(predictors, 0.75, 0.25)
    for keyless in (None, ""):
        chosen = Counter(divided.choose(keyless) for _ in range(4_000))
        assert chosen[predictors[1]] == pytest.approx(1_000, abs=6 * (4_000 * 0.75 * 0.25) ** 0.5)


def test_a_version_without_a_share_gets_nothing(predictors: list[Predictor]) -> None:
    divided = split(predictors, 0.5, 0.0, 0.5)
    assert {divided.choose(key).name.version for key in KEYS} == {1, 3}
    alone = split(predictors, 1.0, 0.0)
    assert not alone.divides
    assert {alone.choose(key).name.version for key in KEYS} == {1}
