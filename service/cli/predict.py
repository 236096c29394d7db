"""`python -m service predict`: texts from the command line or standard input, answers for people or for programs."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, cast

import click

from service.cli import terminal
from service.cli.interruption import exit_when_stopped
from service.errors import RequestError
from service.explain.occlusion import Explanation, explain
from service.files.plain import PlainFormat, to_json
from service.files.record import Options, Record
from service.inference.predictor import Prediction
from service.models.loading import load_choice
from service.models.model_choice import Choice
from service.problems import problem_fields
from service.settings import Settings
from service.texts import check_text

ANSWERED, WITH_ERRORS = 0, 3
"""Exit codes, the same as those of `score`."""

_CHUNK_BYTES = 65_536

Answer = Prediction | Explanation | Exception


@dataclass(frozen=True)
class Request:
    """The arguments and flags of the command line.

    Attributes:
        texts: the texts; empty, or only "-", for standard input.
        json: whether the answers are for programs; None: they are, unless standard output is a terminal.
        explain: whether to add the contribution of each word.
    """

    texts: Sequence[str]
    json: bool | None
    explain: bool


def answer_texts(request: Request, settings: Settings) -> int:
    """Print an answer to each text.

    Returns:
        The exit code.

    Raises:
        ServiceError: no model can be loaded.
    """
    as_json = not sys.stdout.isatty() if request.json is None else request.json
    errors = 0
    with exit_when_stopped():
        choice = load_choice(settings)
        for records in _records(request.texts, settings):
            errors += sum(1 for record in records if record.error)
            for record, answer in _answers(records, choice, request.explain, settings):
                if as_json:
                    click.echo(to_json(_fields(record, answer)))
                else:
                    _show(record, answer, choice, numerous=len(request.texts) != 1)
            sys.stdout.flush()
    return WITH_ERRORS if errors else ANSWERED


def _records(texts: Sequence[str], settings: Settings) -> Iterator[list[Record]]:
    """Yield the texts, as many at a time as are available."""
    if texts and list(texts) != ["-"]:
        yield [_checked(number, text, settings.max_text_chars) for number, text in enumerate(texts, 1)]
        return
    if sys.stdin.isatty():
        click.echo("Write a text on each line; Ctrl-D ends.", err=True)
    lines = PlainFormat(Options(max_line_bytes=settings.max_line_bytes, max_text_chars=settings.max_text_chars))
    stream = cast(BufferedReader, sys.stdin.buffer)
    while chunk := stream.read1(_CHUNK_BYTES):  # what is available: a person expects an answer to each line
        yield [record for record in lines.feed(chunk) if record]
    yield [record for record in lines.finish() if record]


def _checked(number: int, text: str, max_chars: int) -> Record:
    try:
        check_text(text, max_chars)
    except RequestError as error:
        return Record(number, "", error)
    return Record(number, text)


def _answers(
    records: Sequence[Record], choice: Choice, explained: bool, settings: Settings
) -> Iterator[tuple[Record, Answer]]:
    """Yield each record with its answer; an error takes the place of one."""
    texts = [record.text for record in records if not record.error]
    predictions = iter(choice.predict(texts) if texts and not explained else ())
    for record in records:
        if record.error:
            yield record, record.error
        elif not explained:
            yield record, next(predictions)
        else:
            try:
                yield record, explain(choice.of(record.text), record.text, max_words=settings.max_explained_words)
            except RequestError as error:
                yield record, error


def _fields(record: Record, answer: Answer) -> dict[str, Any]:
    """Build the answer for programs: the text, and the members of `/predict` or `/explain`."""
    if isinstance(answer, Exception):
        return {"line": record.line, "error": problem_fields(answer)}
    prediction = answer.prediction if isinstance(answer, Explanation) else answer
    fields = answer.as_dict(record.text) if isinstance(answer, Explanation) else answer.fields()
    return {"text": record.text, **fields, "model": prediction.model and prediction.model.fields()}


def _show(record: Record, answer: Answer, choice: Choice, numerous: bool) -> None:
    """Print the answer for people."""
    if isinstance(answer, Exception):
        terminal.show_error(f"text {record.line}: {answer}")
        return
    prediction = answer.prediction if isinstance(answer, Explanation) else answer
    unit = choice.of(record.text).manifest.tokenizer.counted
    verdict = terminal.verdict(prediction, unit, names_model=choice.auto)
    if isinstance(answer, Explanation):
        terminal.show_explanation(record.text, verdict, answer)
    else:
        terminal.show_prediction(record.text if numerous else None, verdict)
