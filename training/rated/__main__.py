"""Make the teachers' answers: `python -m training.rated`. It needs the extra `teacher`; nothing else does."""

from pathlib import Path

import click

from training.errors import TrainingError
from training.rated.answers import ANSWERS_FILE, RatedAnswers
from training.rated.sources import read_sources
from training.recipes import KOREAN

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--nsmc-dir", type=_FOLDER, required=True, envvar="NSMC_DATA_DIR", show_envvar=True)
@click.option("--run-dir", type=_FOLDER, default=Path("runs/rated"), show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=ANSWERS_FILE, show_default=True)
def cli(nsmc_dir: Path, run_dir: Path, output: Path) -> None:
    """Train the teachers, let them label all texts, and write what they say. Goes on where it was interrupted."""
    from training.rated.joining import joined_answers
    from training.rated.linear_teacher import linear_answers
    from training.rated.teacher_training import TeacherRecipe, recurrent_answers

    sources = read_sources(nsmc_dir, KOREAN.validation_share)
    recurrent, teacher_of = recurrent_answers(TeacherRecipe(), sources, run_dir)
    data = KOREAN.data_set.load(nsmc_dir, KOREAN.num_words)
    linear = linear_answers(KOREAN, sources, data.encode(sources.texts))
    logits = joined_answers(sources, recurrent, [linear], teacher_of)
    RatedAnswers(logits, sources.digest).write(output)
    click.echo(f"{len(logits):,} answers written to {output}")


def main() -> None:
    """Run the command; an error that names what to mend is printed as one line."""
    try:
        cli()
    except TrainingError as error:
        raise SystemExit(f"training: {error}") from None


if __name__ == "__main__":
    main()
