"""The command line on a small data set: what a run leaves behind, and how it says what is wrong."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import keras
import pyarrow
import pyarrow.parquet
import pytest

from service.inference.bundle import open_bundle
from tests.training.conftest import REVIEWS, write_data
from training.__main__ import main
from training.data.imdb import load_data
from training.recipes import LECTURE

PLOTS = {"loss.svg", "accuracy.svg", "confusion.svg", "calibration.svg", "by_length.svg", "lengths.svg"}


@dataclass(frozen=True)
class Finished:
    """A command that has run; it shares this process, as importing TensorFlow takes longer than a run."""

    code: object
    stdout: str
    stderr: str


def training(*arguments: object) -> Finished:
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["training", *map(str, arguments)]),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
        pytest.raises(SystemExit) as stop,
    ):
        main()
    return Finished(stop.value.code, stdout.getvalue(), stderr.getvalue())


@dataclass(frozen=True)
class Run:
    """A whole run of the lecture's network on 64 + 64 reviews."""

    folder: Path
    data_dir: Path
    finished: Finished

    def again(self, *arguments: object) -> Finished:
        common = ("--data-dir", self.data_dir, "--run-dir", self.folder, "--max-reviews", 64)
        return training(*common, *arguments)


@pytest.fixture(scope="module")
def run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "lecture"
    choices = ("--data-dir", data_dir, "--run-dir", folder, "--max-reviews", 64, "--epochs", 1)
    return Run(folder, data_dir, training(*choices))


def content(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_text()))


def test_run_ends_well_and_prints_its_results(run: Run) -> None:
    assert (run.finished.code, run.finished.stderr) == (0, "")
    accuracy = content(run.folder / "metrics.json")["accuracy"]
    assert f"Test accuracy {accuracy:.4f}, loss " in run.finished.stdout
    assert "float32 within " in run.finished.stdout
    models = run.folder / "models" / "imdb-conv1d"
    assert run.finished.stdout.splitlines()[-3:] == [
        f"Run:    {run.folder}",
        f"Bundle: {models / '1'}",
        f"Report: {models / 'reports' / '1'}",
    ]


def test_run_folder_holds_the_model_and_how_it_came_about(run: Run) -> None:
    records = {"recipe.json", "versions.json", "history.json", "metrics.json", "data.json", "model.keras"}
    assert {path.name for path in run.folder.iterdir()} == {*records, *PLOTS, "epochs", "models"}
    assert content(run.folder / "recipe.json") == {**LECTURE.as_dict(), "max_reviews": 64, "epochs": 1}
    assert content(run.folder / "versions.json")["keras"] == keras.__version__
    history = content(run.folder / "history.json")
    assert set(history) == {"accuracy", "loss", "val_accuracy", "val_loss", "seconds"}
    assert content(run.folder / "metrics.json")["reviews"] == 64


def test_report_beside_the_bundle_has_the_figures_and_plots(run: Run) -> None:
    report = run.folder / "models" / "imdb-conv1d" / "reports" / "1"
    assert {path.name for path in report.iterdir()} == {"history.json", "metrics.json", "data.json", *PLOTS}
    assert content(report / "metrics.json") == content(run.folder / "metrics.json")
    for plot in PLOTS:
        assert (report / plot).read_text().startswith("<svg ")
    data = content(report / "data.json")
    assert data["reviews"] == {"train": 64, "test": 64}
    assert data["classes"] == {"negative": 128 - sum_of_labels(run), "positive": sum_of_labels(run)}


def sum_of_labels(run: Run) -> int:
    return int(sum(labels[:64].sum() for _, labels in load_data(run.data_dir)))


def test_a_run_can_be_put_into_a_page(run: Run, tmp_path: Path) -> None:
    made = training("report", "--run-dir", run.folder, "--output", tmp_path / "page.html", "--bench", tmp_path / "none")
    assert (made.code, made.stdout, made.stderr) == (0, f"Written to {tmp_path / 'page.html'}\n", "")
    beside = run.folder / "models/imdb-conv1d/reports/1"
    assert training("report", "--run-dir", beside, "--output", tmp_path / "same.html").code == 0
    assert (tmp_path / "page.html").read_text() == (tmp_path / "same.html").read_text()


def test_bundle_is_that_of_the_saved_model(run: Run) -> None:
    manifest = open_bundle(run.folder / "models" / "imdb-conv1d" / "1").manifest
    assert manifest.metrics == {"test": content(run.folder / "metrics.json")}
    assert manifest.recipe == content(run.folder / "recipe.json")
    assert manifest.libraries == content(run.folder / "versions.json")
    saved = keras.models.load_model(run.folder / "model.keras")
    assert saved.count_params() == 725_457


def test_second_run_in_the_same_folder_is_refused(run: Run) -> None:
    refused = run.again("--epochs", 1)
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"error: {run.folder} holds a run already: --resume goes on with it, --run-dir names another.\n"
    )


def test_resuming_with_another_recipe_is_refused(run: Run) -> None:
    for other in (("--epochs", 2), ("--epochs", 1, "--seed", 1)):
        refused = run.again("--resume", *other)
        assert (refused.code, refused.stdout) == (1, "")
        assert refused.stderr == (
            f"error: {run.folder} was begun with another recipe ({run.folder / 'recipe.json'}).\n"
        )


def test_resuming_where_there_is_no_run_is_refused(data_dir: Path, tmp_path: Path) -> None:
    refused = training("--data-dir", data_dir, "--run-dir", tmp_path, "--resume")
    assert (refused.code, refused.stderr) == (1, f"error: {tmp_path} holds no run to go on with.\n")


def test_resuming_a_finished_run_exports_it_again(run: Run, tmp_path: Path) -> None:
    history = content(run.folder / "history.json")
    again = run.again("--epochs", 1, "--resume", "--models-dir", tmp_path)
    assert (again.code, again.stderr) == (0, "")
    assert content(run.folder / "history.json") == history
    assert open_bundle(tmp_path / "imdb-conv1d" / "1").manifest.seed == LECTURE.seed


def test_raw_texts_that_are_not_the_reviews_stop_the_export(run: Run, tmp_path: Path) -> None:
    data_dir = write_data(tmp_path / "data")
    rows = {"split": ["train"] * REVIEWS + ["test"] * REVIEWS, "text": ["something else"] * 2 * REVIEWS}
    pyarrow.parquet.write_table(pyarrow.table(rows), data_dir / "reviews.parquet")
    models = tmp_path / "models"
    stopped = run.again("--epochs", 1, "--resume", "--data-dir", data_dir, "--models-dir", models)
    assert stopped.code == 1
    assert stopped.stderr.startswith("error: the reference graph, reading raw text, differs from Keras by up to ")
    assert stopped.stderr.count("\n") == 1
    assert not (models / "imdb-conv1d" / "1").exists()


def test_wrong_data_folder_is_one_line_and_leaves_no_run_behind(tmp_path: Path) -> None:
    refused = training("--data-dir", tmp_path / "nowhere", "--run-dir", tmp_path / "run")
    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"error: {tmp_path}/nowhere/imdb.npz is missing: the data folder needs imdb.npz and imdb_word_index.json.\n"
    )
    assert not (tmp_path / "run").exists()


def test_unknown_recipe_is_a_usage_error_before_anything_is_read(tmp_path: Path) -> None:
    refused = training("--recipe", "secret", "--run-dir", tmp_path / "run")
    assert refused.code == 2
    assert "'secret' is not" in refused.stderr


def test_help_does_not_wait_for_tensorflow() -> None:
    loaded = "import training.__main__, sys; print({'tensorflow', 'keras'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", loaded], text=True) == "set()\n"


def test_explore_prints_and_writes_what_the_data_is(data_dir: Path, tmp_path: Path) -> None:
    explored = training("explore", "--data-dir", data_dir, "--output", tmp_path)
    assert (explored.code, explored.stderr) == (0, "")
    assert explored.stdout.startswith("80 reviews to train and 80 to test; 80 positive, 80 negative.\n")
    assert "600 words; the ids below 500 cover " in explored.stdout
    assert "the model reads 300" in (tmp_path / "lengths.svg").read_text()
    found = json.loads((tmp_path / "explore.json").read_text())
    splits = load_data(data_dir)
    lengths = [len(review) for reviews, _ in splits for review in reviews]
    assert found["reviews"] == {"train": 80, "test": 80}
    assert found["length"]["mean"] == pytest.approx(sum(lengths) / 160)
    assert found["length"]["longest"] == max(lengths)
    assert found["length"]["share_over_maxlen"] == sum(length > 300 for length in lengths) / 160
    histogram = found["length"]["histogram"]
    assert sum(histogram["reviews"]) == 160
    assert histogram["reviews"][1] == sum(histogram["step"] < length <= 2 * histogram["step"] for length in lengths)
    assert found["words"]["in_index"] == 600
    frequent = [count for _, count in found["words"]["most_frequent"]]
    assert frequent == sorted(frequent, reverse=True)
    assert len(frequent) == 30
    assert len(found["samples"]) == 3
    assert found["samples"][0]["text"].startswith("[start] ")


def test_explore_looks_at_the_korean_reviews_as_characters(nsmc_data_dir: Path, tmp_path: Path) -> None:
    explored = training("explore", "--data", "nsmc", "--data-dir", nsmc_data_dir, "--output", tmp_path)
    assert explored.code == 0
    assert explored.stdout.startswith(
        "150,000 reviews to train and 50,000 to test; 100,000 positive, 100,000 negative.\n"
    )
    found = json.loads((tmp_path / "explore.json").read_text())
    assert found["empty"] == 8
    assert found["characters"]["in_index"] == 2967  # capital and full-width letters are read as plain small ones
    assert found["characters"]["most_frequent"][0][0] == " "
    assert found["samples"][0]["text"] == "[start] 아 더빙.. 진짜 짜증나네요 목소리"


def test_explore_says_which_folder_it_wants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSMC_DATA_DIR", str(tmp_path / "nowhere"))
    explored = training("explore", "--data", "nsmc", "--output", tmp_path)
    assert explored.code == 1
    assert f"error: {tmp_path / 'nowhere' / 'ratings_train.txt'} cannot be read" in explored.stderr


def test_a_new_version_is_put_beside_the_others_in_a_run_of_its_own(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models/imdb-conv1d/3").mkdir(parents=True)
    choices = ("--data-dir", data_dir, "--models-dir", "models", "--max-reviews", 64, "--epochs", 1, "--new-version")
    assert training(*choices).code == 0
    assert open_bundle(tmp_path / "models/imdb-conv1d/4").manifest.version == 4
    assert content(tmp_path / "runs/lecture-4/recipe.json")["model_version"] == 4


def test_a_new_version_needs_to_know_the_others() -> None:
    finished = training("--new-version")
    assert finished.code == 2
    assert "--models-dir" in finished.stderr
