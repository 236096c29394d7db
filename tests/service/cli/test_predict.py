"""`python -m service predict`: people get colours, programs get JSON."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from service.__main__ import cli
from service.errors import ServiceError
from service.explain.occlusion import explain
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.settings import Settings
from tests.service.conftest import BundleFolder
from tests.service.running import ENVIRONMENT

COMMAND = [sys.executable, "-m", "service", "predict"]
GREEN, RED, STRUCK, ESCAPE = "\x1b[32m", "\x1b[31m", "\x1b[9m", "\x1b"


@pytest.fixture
def flags(small: BundleFolder) -> list[str]:
    return ["--models-dir", str(small.path.parents[1]), "--model", "small", "--max-text-chars", "60"]


@pytest.fixture
def predict(flags: list[str]) -> Callable[..., Result]:
    def run(*arguments: str, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, ["predict", *arguments, *flags], input=input)

    return run


def answers(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def on_a_terminal(*arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code, and what a terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env={**ENVIRONMENT, **environment}
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
    os.close(ours)
    return process.wait(10), shown.decode()


def test_a_program_gets_the_answer_of_the_route_after_the_text(
    predict: Callable[..., Result], client: TestClient
) -> None:
    texts = ["A good film, really.", "좋다 “bad”"]
    result = predict(*texts)
    assert result.exit_code == 0
    assert answers(result) == [{"text": text, **client.post("/predict", json={"text": text}).json()} for text in texts]
    assert "좋다" in result.stdout


def test_explained_a_program_gets_that_of_the_other_route(predict: Callable[..., Result], client: TestClient) -> None:
    [answer] = answers(predict("--explain", "good bad film"))
    assert answer == {
        "text": "good bad film",
        **client.post("/explain", json={"text": "good bad film"}).json(),
    }


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_each_line_of_standard_input_is_a_text(predict: Callable[..., Result], arguments: list[str]) -> None:
    result = predict(*arguments, input="good\n\nbad\nx" + "x" * 60 + "\n\n")
    assert result.exit_code == 3
    shown = [answer.get("label") or (answer["line"], answer["error"]["type"]) for answer in answers(result)]
    assert shown == ["positive", (2, "/problems/blank-text"), "negative", (4, "/problems/text-too-long")]


def test_bytes_that_are_no_text_are_an_error_in_their_place(predict: Callable[..., Result]) -> None:
    result = predict(input=b"good\n\xff\xfe\nbad")
    assert [answer.get("label") for answer in answers(result)] == ["positive", None, "negative"]
    assert result.exit_code == 3


def test_a_blank_argument_is_an_error_and_the_others_are_answered(predict: Callable[..., Result]) -> None:
    result = predict("--no-json", " ", "good")
    assert result.exit_code == 3
    assert result.stderr == "text 1: The text is blank; there is nothing to judge.\n"
    assert "positive" in result.stdout


def test_no_lines_are_no_error(predict: Callable[..., Result]) -> None:
    result = predict(input="")
    assert (result.exit_code, result.output) == (0, "")


def test_people_get_label_bar_percent_and_a_note(predict: Callable[..., Result]) -> None:
    result = predict("--no-json", "zyzzyva good")
    assert result.stdout == "positive  ██████████████████░░  88.1% positive  (1 of 2 words known)\n"
    assert "too long" in predict("--no-json", "the " * 9).stdout


def test_what_a_text_holds_does_not_move_the_cursor(predict: Callable[..., Result]) -> None:
    result = predict("--no-json", "--explain", "good \x1b[2J\x07 bad\r\nfilm")
    assert "good  [2J  bad  film" in result.stdout


def test_on_a_terminal_the_words_are_tinted_and_the_numbers_given(flags: list[str]) -> None:
    code, shown = on_a_terminal("--explain", "good zyzzyva bad", *flags)
    assert code == 0
    assert GREEN in shown.split("good")[0]
    assert STRUCK in shown.split("zyzzyva")[0].split("good")[1]
    assert RED in shown.split("bad")[0].split("zyzzyva")[1]
    assert "words: good +2.00, bad -2.00" in shown


def test_no_color_takes_the_colours_and_nothing_else(flags: list[str]) -> None:
    _, colourful = on_a_terminal("good bad", *flags)
    code, plain = on_a_terminal("good bad", *flags, NO_COLOR="1")
    assert code == 0
    assert ESCAPE in colourful
    assert ESCAPE not in plain
    assert "50.0% positive" in plain


def test_a_line_is_answered_before_the_next_is_written(flags: list[str]) -> None:
    with subprocess.Popen(
        [*COMMAND, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdin
        assert process.stdout
        for text, label in ((b"good\n", "positive"), (b"bad\n", "negative")):
            process.stdin.write(text)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["label"] == label
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_says_so_with_its_exit_code(flags: list[str], stop: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"good\n")
        process.stdin.flush()
        process.stdout.readline()
        time.sleep(0.2)  # back in its wait for the next line
        process.send_signal(stop)
        assert process.wait(10) == 130
        assert process.stderr
        assert process.stderr.read() == b""


def test_a_reader_that_leaves_ends_it_quietly_as_it_ends_any_filter(flags: list[str]) -> None:
    with subprocess.Popen(
        [*COMMAND, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stdin
        process.stdin.write(b"good\n" * 10_000)
        process.stdin.close()
        assert process.wait(20) == 141
        assert process.stderr
        assert process.stderr.read() == b""


def test_utf_8_is_written_whatever_the_encoding_of_the_terminal(flags: list[str]) -> None:
    for arguments in (["--no-json"], ["--json"]):
        done = subprocess.run(
            [*COMMAND, "좋다 “good”", " ", *arguments, *flags],
            capture_output=True,
            check=False,
            env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
        )
        assert done.returncode == 3
        assert "좋다 “good”" in done.stdout.decode("utf-8")
        assert b"Traceback" not in done.stderr


def test_serve_says_on_windows_where_it_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    result = CliRunner().invoke(cli, ["serve", "--port", "0"])
    assert isinstance(result.exception, ServiceError)
    assert "on Windows use WSL 2 or Docker" in str(result.exception)


def test_predict_and_score_import_nothing_that_windows_lacks() -> None:
    script = (
        "import sys; [sys.modules.update({name: None}) for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios')];"
        "import service.__main__, service.cli.predict, service.cli.score"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=ENVIRONMENT)


def test_a_model_that_is_not_there_is_told_what_is(small: BundleFolder) -> None:
    def error(*arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, "good", "--models-dir", str(small.path.parents[1]), *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        return done.stderr

    assert "there is no model 'imdb-conv1d'; there is small. --model chooses." in error()
    assert "has no version 7; it has 1. --model-version chooses." in error("--model", "small", "--model-version", "7")
    assert "has no version x; it has 1. --model-version chooses." in error("--model", "small", "--model-version", "x")
    assert "--models-dir" in error("--models-dir", str(small.path / "none"))


@pytest.mark.parametrize("command", ["serve", "predict", "score"])
def test_help_of_each_command_begins_with_what_it_does_and_fits_the_terminal(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "-h"])
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    in_overview = CliRunner().invoke(cli, ["-h"]).stdout
    assert f"  {command} " in in_overview
    assert "..." not in in_overview.split("Commands:")[1]


def test_python_says_the_same(predict: Callable[..., Result], small: BundleFolder) -> None:
    explanation = explain(Predictor.load(open_bundle(Path(small.path)), "float32"), "good bad film")
    [answer] = answers(predict("--explain", "good bad film"))
    assert [word["contribution"] for word in answer["words"]] == [word.contribution for word in explanation.words]


def test_each_text_is_answered_by_the_model_of_its_script(two_languages: Settings) -> None:
    flags = ["--models-dir", str(two_languages.models_dir)]

    def told(*arguments: str) -> list[dict[str, Any]]:
        return answers(CliRunner().invoke(cli, ["predict", "good", "좋다", *arguments, *flags]))

    assert [answer["model"]["name"] for answer in told("--model", "auto")] == ["small", "small-korean"]
    assert [answer["probability"] for answer in told("--model", "auto")] == pytest.approx([0.880797] * 2, abs=1e-6)
    explained = told("--model", "auto", "--explain")
    assert [answer["words"][0]["contribution"] for answer in explained] == pytest.approx([2, 2], abs=1e-5)
    assert [answer["model"]["name"] for answer in explained] == ["small", "small-korean"]
    assert [answer["model"]["name"] for answer in told("--model", "small-korean")] == ["small-korean"] * 2
    shown = CliRunner().invoke(cli, ["predict", "good 좋다뷁", "--no-json", "--model", "auto", *flags]).stdout
    assert "(small-korean/1; 2 of 7 characters known)" in shown
