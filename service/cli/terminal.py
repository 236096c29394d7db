"""Answers for people: a bar, percent, and the words tinted by their contributions."""

import os
import shutil
from textwrap import shorten

import click

from service.explain.occlusion import Explanation, Word
from service.inference.predictor import Prediction

_BAR_CELLS = 20
_STRONGEST = 5


def show_error(message: str) -> None:
    """Print an error that takes the place of an answer, to standard error."""
    _print(click.style(printable(message), fg="red"), err=True)


def show_prediction(text: str | None, verdict: str) -> None:
    """Print a verdict, below its text if there are several."""
    if text is None:
        _print(verdict)
        return
    _print(shorten(printable(text), max(40, shutil.get_terminal_size().columns), placeholder=" …"))
    _print(verdict + "\n")


def show_explanation(text: str, verdict: str, explanation: Explanation) -> None:
    """Print the tinted text, its verdict, and the strongest contributions."""
    shown = printable(text)
    _print("\n".join([_tinted(shown, explanation), verdict, _strongest(shown, explanation), ""]))


def verdict(prediction: Prediction, unit: str, names_model: bool) -> str:
    """Format the label, the probability as a bar and in percent, and what limits the answer.

    Args:
        prediction: of one text.
        unit: what `prediction.words` counts: words or characters.
        names_model: whether to name the model that answered.
    """
    colour = "green" if prediction.probability >= 0.5 else "red"
    filled = round(prediction.probability * _BAR_CELLS)
    bar = click.style("█" * filled, fg="green") + click.style("░" * (_BAR_CELLS - filled), dim=True)
    notes = [str(prediction.model)] if names_model else []
    if prediction.known_words < prediction.words:
        notes.append(f"{prediction.known_words} of {prediction.words} {unit} known")
    if prediction.truncated:
        notes.append("too long, not all of it was read")
    label = click.style(prediction.label, fg=colour, bold=True)
    note = click.style(f"  ({'; '.join(notes)})", dim=True) if notes else ""
    return f"{label}  {bar}  {prediction.probability:.1%} positive{note}"


def printable(text: str) -> str:
    """Replace each character that would move the cursor or colour the terminal by a space."""
    return "".join(character if character.isprintable() else " " for character in text)


def _tinted(text: str, explanation: Explanation) -> str:
    """Tint each word by its contribution; strike out unknown words, grey out what the model does not read."""
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
    """Format the numbers behind the colours."""
    words = sorted((w for w in explanation.words if w.contribution), key=lambda word: -abs(word.contribution))
    lines = [f"logit {explanation.logit:+.2f}, without words {explanation.baseline:+.2f}"]
    for title, parts in (("words", words), ("phrases", explanation.phrases)):
        named = [f"{text[part.start : part.end]} {part.contribution:+.2f}" for part in parts[:_STRONGEST]]
        if named:
            lines.append(f"{title}: {', '.join(named)}")
    return "\n".join(lines)


def _print(line: str, err: bool = False) -> None:
    """Print, with colours only on a terminal, and not where NO_COLOR is set (https://no-color.org)."""
    click.echo(line, err=err, color=False if os.environ.get("NO_COLOR") else None)
