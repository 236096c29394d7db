"""`python -m service predict`: texts from the command line or standard input, answers for people or for programs."""

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from textwrap import shorten
from typing import Any, cast

import click

from service.choice import Choice
from service.errors import RequestError
from service.files.plain import PlainFormat, to_json
from service.files.record import Options, Record
from service.inference.explanation import Explanation, Word, explain
from service.inference.predictor import Prediction, check_text
from service.problems import problem_fields
from service.registry import load_choice
from service.settings import Settings

ANSWERED, WITH_ERRORS, INTERRUPTED = 0, 3, 130
"""Exit codes, as those of `score`."""

_BAR_CELLS = 20
_STRONGEST = 5
_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        texts: none, or only "-", for standard input.
        json: whether programs read the answers; None if that depends on who takes them.
        explain: whether words are wanted with what they contribute.
    """

    texts: Sequence[str]
    json: bool | None
    explain: bool


def answer_texts(wanted: Wanted, settings: Settings) -> int:
    """Prints an answer to each text; the exit code.

    Raises:
        ServiceError: it cannot be done.
    """
    as_json = not sys.stdout.isatty() if wanted.json is None else wanted.json
    errors = 0
    on_terminate = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        choice = load_choice(settings)
        for records in _records(wanted.texts, settings):
            errors += sum(1 for record in records if record.error)
            for record, answer in _answers(records, choice, wanted.explain, settings):
                if as_json:
                    click.echo(to_json(_fields(record, answer)))
                else:
                    _show(record, answer, choice, numerous=len(wanted.texts) != 1)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Who read the output has left. What is still buffered goes nowhere, or Python would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, on_terminate)
    return WITH_ERRORS if errors else ANSWERED


def _records(texts: Sequence[str], settings: Settings) -> Iterator[list[Record]]:
    """The texts, as many at a time as are there."""
    if texts and list(texts) != ["-"]:
        yield [_checked(number, text, settings.max_text_chars) for number, text in enumerate(texts, 1)]
        return
    if sys.stdin.isatty():
        click.echo("Write a text on each line; Ctrl-D ends.", err=True)
    lines = PlainFormat(Options(max_line_bytes=settings.max_line_bytes, max_text_chars=settings.max_text_chars))
    stream = cast(BufferedReader, sys.stdin.buffer)
    while chunk := stream.read1(_CHUNK_BYTES):  # what there is: a person wants an answer to each line
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
) -> Iterator[tuple[Record, Prediction | Explanation | Exception]]:
    """Each record with what is said of it; errors in their place."""
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


def _fields(record: Record, answer: Prediction | Explanation | Exception) -> dict[str, Any]:
    """An answer for programs: that of `/predict` or `/explain`, after the text."""
    if isinstance(answer, Exception):
        return {"line": record.line, "error": problem_fields(answer)}
    prediction = answer.prediction if isinstance(answer, Explanation) else answer
    fields = answer.as_dict(record.text) if isinstance(answer, Explanation) else answer.fields()
    return {"text": record.text, **fields, "model": prediction.model and prediction.model.fields()}


def _show(record: Record, answer: Prediction | Explanation | Exception, choice: Choice, numerous: bool) -> None:
    """An answer for people."""
    if isinstance(answer, Exception):
        _print(click.style(f"text {record.line}: {answer}", fg="red"), err=True)
        return
    text = _printable(record.text)
    prediction = answer.prediction if isinstance(answer, Explanation) else answer
    if isinstance(answer, Explanation):
        _print(_tinted(text, answer))
    elif numerous:
        _print(shorten(text, max(40, shutil.get_terminal_size().columns), placeholder=" …"))
    _print(_verdict(prediction, choice.of(record.text).manifest.tokenizer.counted, choice.auto))
    if isinstance(answer, Explanation):
        _print(_strongest(text, answer))
    if numerous or isinstance(answer, Explanation):
        _print("")


def _verdict(prediction: Prediction, counted: str, names_model: bool) -> str:
    """Label, probability as a bar and in percent, and what to know of it."""
    colour = "green" if prediction.probability >= 0.5 else "red"
    filled = round(prediction.probability * _BAR_CELLS)
    bar = click.style("█" * filled, fg="green") + click.style("░" * (_BAR_CELLS - filled), dim=True)
    notes = [str(prediction.model)] if names_model else []
    if prediction.known_words < prediction.words:
        notes.append(f"{prediction.known_words} of {prediction.words} {counted} known")
    if prediction.truncated:
        notes.append("too long, not all of it was read")
    label = click.style(prediction.label, fg=colour, bold=True)
    note = click.style(f"  ({'; '.join(notes)})", dim=True) if notes else ""
    return f"{label}  {bar}  {prediction.probability:.1%} positive{note}"


def _tinted(text: str, explanation: Explanation) -> str:
    """The text, its words the more green or red the more they push; the unknown struck through, grey what is cut."""
    most = max((abs(word.contribution) for word in explanation.words), default=0.0)
    pieces, end = [], 0
    for word in explanation.words:
        pieces += [text[end : word.start], _tint(text[word.start : word.end], word, most)]
        end = word.end
    return "".join([*pieces, text[end:]])


def _tint(text: str, word: Word, most: float) -> str:
    if not word.used:
        return click.style(text, fg="bright_black")
    share = abs(word.contribution) / most if most else 0.0
    colour = "green" if word.contribution > 0 else "red"
    if share < 1 / 10:
        return text if word.known else click.style(text, strikethrough=True)
    return click.style(text, fg=colour, bold=share >= 1 / 3, reverse=share >= 2 / 3, strikethrough=not word.known)


def _strongest(text: str, explanation: Explanation) -> str:
    """The numbers behind the colours."""
    words = sorted((w for w in explanation.words if w.contribution), key=lambda word: -abs(word.contribution))
    lines = [f"logit {explanation.logit:+.2f}, without words {explanation.baseline:+.2f}"]
    for title, parts in (("words", words), ("phrases", explanation.phrases)):
        named = [f"{text[part.start : part.end]} {part.contribution:+.2f}" for part in parts[:_STRONGEST]]
        if named:
            lines.append(f"{title}: {', '.join(named)}")
    return "\n".join(lines)


def _printable(text: str) -> str:
    """The text without what would move the cursor or colour the terminal, each character in its place."""
    return "".join(character if character.isprintable() else " " for character in text)


def _print(line: str, err: bool = False) -> None:
    """Colours go to a terminal, unless NO_COLOR is set (https://no-color.org)."""
    click.echo(line, err=err, color=False if os.environ.get("NO_COLOR") else None)
