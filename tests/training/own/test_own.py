"""Training on one's own texts by the command line: from a file that a test makes to a bundle that the service opens."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.service.conftest import write_small_bundle
from tests.training.test_run import Finished, training
from training.data.labelled import Columns
from training.errors import DataError
from training.own.start import Start
from training.own.train import train_own

GOOD, BAD = ["splendid", "lovely", "superb", "delightful"], ["dreadful", "boring", "awful", "tedious"]
FILLER = ["the", "film", "plot", "actors", "scene", "music", "was", "and", "a", "story"]


def sentences(number: int, share_good: float = 0.5, noise: float = 0.1) -> list[tuple[str, ...]]:
    """Make texts whose label a word tells, but for a share of them; with label and author."""
    random = np.random.default_rng(5)
    rows: list[tuple[str, ...]] = []
    for row in range(number):
        good = random.random() < share_good
        told = good ^ (random.random() < noise)
        words = [*random.choice(FILLER, 8), random.choice(GOOD if told else BAD), f"w{row}"]
        rows.append((" ".join(random.permutation(words)), "happy" if good else "angry", f"author{row % 40}"))
    return rows


def write(path: Path, rows: Sequence[tuple[str, ...]], header: tuple[str, ...] = ("text", "label", "author")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "models"
    write_small_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def finished(models_dir: Path) -> Finished:
    rows = sentences(400)
    rows += [rows[0], (rows[1][0].upper(), rows[1][1], "x"), (rows[2][0], "happy", "x"), (rows[2][0], "angry", "x")]
    rows += [(" ", "happy", "x"), ("nobody said", "", "x")]
    file = write(models_dir.parent / "mine.csv", rows)
    return training(
        *("--data", file, "--name", "moods", "--models-dir", models_dir, "--positive-label", "happy"),
        *("--group-column", "author", "--base", "small/1"),
    )


def test_training_on_own_texts_prints_the_model_beside_its_baselines(finished: Finished, models_dir: Path) -> None:
    assert (finished.code, finished.stderr) == (0, "")
    figures = {
        line.split("  ")[0]: line.split() for line in finished.stdout.splitlines() if "%" in line and " - " in line
    }
    assert list(figures) == ["moods/1", "the more frequent label", "small/1"]
    accuracy = {name: float(next(word for word in line if word.endswith("%"))[:-1]) for name, line in figures.items()}
    assert accuracy["moods/1"] > 80
    assert accuracy["the more frequent label"] < 65
    assert f"Bundle: {models_dir / 'moods/1'}" in finished.stdout


def test_rows_that_spoil_training_are_left_out_and_told(finished: Finished) -> None:
    lines = finished.stdout.splitlines()
    assert "2 lines repeat an earlier text and were left out, the first of them line 402." in lines
    assert "3 lines have a text that occurs with both labels and were left out, the first of them line 4." in lines
    assert "2 lines have no readable text or no label and were left out, the first of them line 406." in lines


@pytest.mark.usefixtures("finished")
def test_the_service_opens_the_bundle_and_answers_alike_alone_and_in_company(models_dir: Path) -> None:
    bundle = open_bundle(models_dir / "moods/1")
    assert bundle.manifest.labels == ("angry", "happy")
    predictor = Predictor.load(bundle, "float32")
    texts = ["a splendid, lovely story", "dreadful and boring", "zzz", "superb " * 1_500, "the film was awful"]
    together = predictor.predict(texts)
    assert [predictor.predict([text])[0] for text in texts] == together
    assert [prediction.label for prediction in together[:2]] == ["happy", "angry"]
    assert together[3].truncated
    assert together[2].known_words == 0


@pytest.mark.usefixtures("finished")
def test_figures_of_the_card_are_those_of_the_held_out_texts(models_dir: Path) -> None:
    metrics = json.loads((models_dir / "moods/reports/1/metrics.json").read_text())
    manifest = open_bundle(models_dir / "moods/1").manifest
    assert manifest.metrics["test"]["accuracy"] == metrics["accuracy"]
    assert manifest.metrics["validation"]["reviews"] + metrics["reviews"] == 399
    card = (models_dir / "moods/MODEL_CARD.md").read_text()
    assert f"| **moods/1** | {metrics['accuracy']:.1%} (" in card
    assert "with every value of `author` on one side only" in card
    assert "fewer than 500 texts" in card


@pytest.mark.usefixtures("finished")
def test_no_author_is_on_both_sides_of_the_split(models_dir: Path) -> None:
    from training.own.split import folds
    from training.own.texts import read_own_texts

    own = read_own_texts(models_dir.parent / "mine.csv", Columns(group="author"), "happy")
    assert own.groups is not None
    for others, held_out in folds(own.labels, own.groups, 113):
        assert not {own.groups[row] for row in others} & {own.groups[row] for row in held_out}
        assert 0.35 < own.labels[held_out].mean() < 0.65


def test_the_next_version_is_taken_and_korean_is_read_by_characters(tmp_path: Path) -> None:
    (tmp_path / "models/mine/6").mkdir(parents=True)
    random = np.random.default_rng(2)
    rows = [
        (f"{random.choice(['정말', '진짜', '그냥'])} {'좋다' if row % 2 else '나쁘다'} {row}", str(row % 2), "")
        for row in range(150)
    ]
    file = write(tmp_path / "mine.csv", rows)
    done = training("--data", file, "--name", "mine", "--models-dir", tmp_path / "models")
    assert (done.code, done.stderr) == (0, "")
    manifest = open_bundle(tmp_path / "models/mine/7").manifest
    assert (manifest.language, manifest.tokenizer.name, manifest.labels) == (
        "ko",
        "characters",
        ("negative", "positive"),
    )
    again = training("--data", file, "--name", "mine", "--models-dir", tmp_path / "models")
    assert f"Bundle: {tmp_path / 'models/mine/8'}" in again.stdout


def test_a_rare_label_gets_a_threshold_of_its_own(tmp_path: Path) -> None:
    file = write(tmp_path / "rare.csv", sentences(600, share_good=0.12, noise=0.15))
    options = ("--models-dir", tmp_path / "models", "--positive-label", "happy")
    assert training("--data", file, "--name", "rare", *options).code == 0
    manifest = open_bundle(tmp_path / "models/rare/1").manifest
    assert manifest.threshold < 0.5
    test = manifest.metrics["test"]
    found = test["confusion"][1][1] / sum(test["confusion"][1])
    assert found > 0.5  # of the rare label; a model that never says it has none
    assert test["calibration_error"] < 0.2


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finished, Path]:
    """Train from the committed model, which knows words that these 150 texts do not have."""
    models = tmp_path_factory.mktemp("continued") / "models"
    newest = newest_committed()
    shutil.copytree(newest, models / "imdb-conv1d" / newest.name)
    file = write(models.parent / "mine.csv", sentences(150))
    options = ("--models-dir", models, "--positive-label", "happy", "--start-from", "imdb-conv1d")
    return training("--data", file, "--name", "more", *options), models


def newest_committed() -> Path:
    return max(Path("models/imdb-conv1d").glob("[1-9]*"), key=lambda path: int(path.name))


def test_a_continued_model_stands_beside_one_from_scratch_and_the_one_that_it_continues(
    continued: tuple[Finished, Path],
) -> None:
    finished, _ = continued
    assert (finished.code, finished.stderr) == (0, "")
    named = [line.split("  ")[0] for line in finished.stdout.splitlines() if "%" in line and " - " in line]
    newest = newest_committed().name
    assert named == ["more/1", "the more frequent label", "from scratch", f"imdb-conv1d/{newest}"]


def test_a_continued_model_knows_words_of_both_and_answers_alike_alone_and_in_company(
    continued: tuple[Finished, Path],
) -> None:
    bundle = open_bundle(continued[1] / "more/1")
    assert bundle.manifest.recipe["start_from"] == f"imdb-conv1d/{newest_committed().name}"
    texts = ["a tedious story", "an excellent, moving masterpiece", "a worthless waste of time", "superb " * 1_500]
    for precision in bundle.manifest.graphs:
        predictor = Predictor.load(bundle, precision)
        together = predictor.predict(texts)
        assert [predictor.predict([text])[0] for text in texts] == together
        assert [prediction.label for prediction in together] == ["angry", "happy", "angry", "happy"]


def test_a_continued_model_adds_the_logit_of_the_other_to_weights_of_its_own(
    continued: tuple[Finished, Path],
) -> None:
    texts = ["excellent masterpiece", "worthless waste"]  # of one length, without a word of the file
    base, own = (Start.open(continued[1], name).logits(texts) for name in ("imdb-conv1d", "more"))
    ours, theirs = own[0] - own[1], base[0] - base[1]
    assert theirs > 1
    assert 0.05 < ours / theirs < 5
    third = ["moving masterpiece"]
    base_third, own_third = (Start.open(continued[1], name).logits(third) for name in ("imdb-conv1d", "more"))
    expected = own[1] + ours / theirs * (base_third[0] - base[1])
    assert own_third[0] == pytest.approx(expected, abs=1e-4)


def test_texts_in_another_language_than_the_model_reads_are_refused(continued: tuple[Finished, Path]) -> None:
    models = continued[1]
    with pytest.raises(DataError, match=r"read as 'ko' and imdb-conv1d/\d reads 'en'; --language en if"):
        train_own(
            models.parent / "mine.csv", Columns(), "other", models, "happy", language="ko", start_from="imdb-conv1d"
        )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("imdb", "has no model imdb; it has small/1"),
        ("small/2", "has no model small/2; it has small/1"),
        ("small", "this model cannot be continued: it gives no logit"),
    ],
)
def test_a_model_that_cannot_be_continued_is_refused_in_one_line(name: str, message: str, tmp_path: Path) -> None:
    write_small_bundle(tmp_path / "models")
    file = write(tmp_path / "mine.csv", sentences(150))
    with pytest.raises(DataError) as refused:
        train_own(file, Columns(), "mine", tmp_path / "models", "happy", start_from=name)
    assert message in str(refused.value)
    assert not (tmp_path / "models/mine").exists()


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([("a", "1")] * 3, [], "'label' has the values '1'; two different labels are needed"),
        ([("a", "1"), ("b", "2"), ("c", "3")], [], "has the values '1', '2', '3'; two different labels are needed"),
        ([("a", "x"), ("b", "y")], [], "which of 'x', 'y' is positive? --positive-label says it."),
        ([("a", "x"), ("b", "y")], ["--positive-label", "z"], "--positive-label is 'z'; the labels are 'x', 'y'."),
        ([("a", "0"), ("b", "1")], [], "has 2 different texts, 1 '0' and 1 '1'; at least 100 texts and 20 of each"),
        ([("a", "0"), ("b", "1")], ["--text-column", "review"], "The header has no column 'review'; it has 'text'"),
    ],
)
def test_files_that_teach_nothing_are_refused_in_one_line(
    rows: list[tuple[str, ...]], options: list[str], message: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "mine.csv", rows, ("text", "label"))
    refused = training("--data", file, "--name", "mine", "--models-dir", tmp_path / "models", *options)
    assert (refused.code, refused.stdout) == (1, "")
    assert message in refused.stderr
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "mine"], "--name: only with --data FILE"),
        (["--start-from", "imdb-conv1d"], "--start-from: only with --data FILE"),
        (["--data", "mine.csv"], "--data needs --name"),
        (["--data", "mine.csv", "--name", "My Model"], "--data needs --name: lower-case letters"),
        (["--data", "mine.csv", "--name", "mine", "--epochs", "3"], "--epochs: not with --data"),
        (["--data", "mine.csv", "--name", "mine", "--recipe", "lecture"], "--recipe: not with --data"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(options: list[Any], message: str) -> None:
    refused = training(*options)
    assert refused.code == 2
    assert message in refused.stderr
