"""All stages on small data, from sources to graphs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tests.training.conftest import WORDS, write_texts
from tests.training.taught.conftest import TINY_TAUGHT
from tests.training.test_run import training
from training.errors import DataError
from training.taught.answers import TeacherAnswers
from training.taught.lessons import run_targets
from training.taught.questions import frequent_ngrams, list_questions
from training.taught.sources import english_words, keras_ids, read_sources
from training.taught.train import Material, gather, judge_taught, prepare, train_taught
from training.trained import Trained

RECIPE = replace(TINY_TAUGHT, epochs=1, validation_share=0.2)
GOOD, BAD = (f"(4 (4 {WORDS[9]}) (2 {WORDS[12]}))", f"(0 (0 {WORDS[10]}) (2 {WORDS[12]}))")


@pytest.fixture(scope="module")
def imdb_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_texts(tmp_path_factory.mktemp("imdb"))
    table = pyarrow.parquet.read_table(folder / "reviews.parquet").to_pydict()
    labels = [row % 2 for row in range(len(table["text"]))]
    pyarrow.parquet.write_table(pyarrow.table(table | {"label": labels}), folder / "reviews.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"text": table["text"][:30]}), folder / "unlabelled.parquet")
    return folder


@pytest.fixture(scope="module")
def sst_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sst")
    for name in ("train.txt", "dev.txt"):
        (folder / name).write_text(f"{GOOD}\n{BAD}\n(2 (2 {WORDS[13]}) (2 {WORDS[14]}))\n" * 3)
    return folder


@pytest.fixture(scope="module")
def material(imdb_dir: Path, sst_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Material:
    path = tmp_path_factory.mktemp("answers") / "answers.npz"
    words, tokenizer = english_words(imdb_dir, RECIPE.num_words)
    sources = read_sources(imdb_dir, sst_dir, RECIPE.validation_share, tokenizer)
    ngrams = frequent_ngrams(keras_ids(tokenizer, sources.unlabelled), RECIPE.num_words)
    questions = list_questions(sources, words, ngrams, RECIPE.num_words)
    random = np.random.default_rng(1)
    logits = random.normal(0, 1, (len(questions.texts), 2)).astype(np.float16)
    vectors = random.normal(0, 0.3, (RECIPE.num_words, RECIPE.embedding_dim)).astype(np.float16)
    TeacherAnswers(logits, vectors, ngrams, questions.digest).write(path)
    return gather(RECIPE, imdb_dir, sst_dir, path)


def test_each_answer_belongs_to_its_text(material: Material) -> None:
    asked = material.questions
    texts = (asked.unlabelled.texts, asked.held_out.texts, asked.phrases, asked.variants, asked.clauses)
    assert [len(logits) for logits in material.logits] == [len(some) for some in texts]
    np.testing.assert_array_equal(np.concatenate(material.logits), material.answers.logits)
    assert not set(material.sources.fitted) & set(material.sources.held_out)


def test_the_network_learns_what_the_transformer_says_of_runs(material: Material) -> None:
    lessons = prepare(RECIPE, material, material.sources.fitted, np.full(len(material.unlabelled), 0.5))
    runs = len(material.questions.unlabelled.texts)
    np.testing.assert_allclose(lessons.answered.targets[:runs], run_targets(material.answers.logits[:runs]), 1e-6)


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run that follows; another run in it goes on from what is there."""
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def trained(material: Material, run_dir: Path) -> Trained:
    return train_taught(RECIPE, material, run_dir)


def test_a_run_is_judged_then_trained_and_each_stage_is_kept(
    trained: Trained, material: Material, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.held_out is not None
    assert trained.held_out["reviews"] == len(material.sources.held_out)
    assert trained.held_out["short_texts"]["treebank"]["reviews"] == 6  # neutral ones are left out
    assert set(trained.graphs.by_precision) == {"reference", "float32", "int8"}
    texts = np.array([np.array([1, 12, 15])], dtype=object)
    assert 0 <= trained.predict(texts)[0] <= 1
    for stage in ("fit_review_models", "choose_ngrams", "judge_taught"):
        monkeypatch.setattr(f"training.taught.train.{stage}", lambda *_: pytest.fail("a stage is done again"))
    again = train_taught(RECIPE, material, run_dir)
    np.testing.assert_array_equal(again.predict(texts), trained.predict(texts))


def test_what_is_held_out_is_not_learnt_from(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def noting(recipe: Any, given: Material, rows: Any, soft: Any) -> Any:
        seen.append(rows.tolist())
        return prepare(recipe, given, rows, soft)

    monkeypatch.setattr("training.taught.train.prepare", noting)
    judge_taught(RECIPE, material, tmp_path)
    assert seen == [material.sources.fitted.tolist()]


def test_probabilities_come_in_the_order_of_the_texts(trained: Trained) -> None:
    texts = np.empty(3, dtype=object)
    texts[:] = [np.array([1, 12, 15, 16]), np.array([1, 13]), np.array([1, *range(12, 40)])]
    one_by_one = np.concatenate([trained.predict(texts[row : row + 1]) for row in range(3)])
    np.testing.assert_allclose(trained.predict(texts), one_by_one, atol=1e-6)


def test_missing_folders_are_named(imdb_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SST_DATA_DIR", raising=False)
    refused = training("--recipe", "taught", "--data-dir", imdb_dir, "--run-dir", tmp_path / "run", "--held-out")
    assert refused.code != 0
    assert "SST_DATA_DIR" in refused.stderr
    with pytest.raises(DataError, match=r"reviews\.parquet"):
        read_sources(tmp_path, tmp_path, 0.2, english_words(imdb_dir, 50)[1])
