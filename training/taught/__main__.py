"""Make the teacher's answers: `python -m training.taught`. It needs the extra `teacher`; nothing else does."""

from pathlib import Path

import click

from service.errors import ServiceError
from training.errors import TrainingError
from training.recipes import TAUGHT
from training.taught.answers import ANSWERS_FILE, TeacherAnswers
from training.taught.questions import frequent_ngrams, list_questions
from training.taught.sources import english_words, keras_ids, read_sources

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--imdb-dir", type=_FOLDER, required=True, envvar="IMDB_DATA_DIR", show_envvar=True)
@click.option("--sst-dir", type=_FOLDER, required=True, envvar="SST_DATA_DIR", show_envvar=True)
@click.option(
    "--teacher-dir", type=_FOLDER, required=True, envvar="TEACHER_DIR", show_envvar=True, help="With all-MiniLM-L6-v2."
)
@click.option(
    "--run-dir", type=click.Path(path_type=Path, file_okay=False), default=Path("runs/taught"), show_default=True
)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default=ANSWERS_FILE, show_default=True)
def cli(imdb_dir: Path, sst_dir: Path, teacher_dir: Path, run_dir: Path, output: Path) -> None:
    """Train the teacher, let it label texts, and write what it says. Goes on where it was interrupted."""
    from training.taught.labelling import label, word_vectors
    from training.taught.teacher import Reader, check_weights
    from training.taught.teacher_training import TeacherRecipe, TeacherTexts, train_teacher

    check_weights(teacher_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    words, tokenizer = english_words(imdb_dir, TAUGHT.num_words)
    sources = read_sources(imdb_dir, sst_dir, TAUGHT.validation_share, tokenizer)
    ngrams = frequent_ngrams(keras_ids(tokenizer, sources.unlabelled), TAUGHT.num_words)
    questions = list_questions(sources, words, ngrams, TAUGHT.num_words)
    texts = TeacherTexts(
        phrases=sources.phrases,
        sentences={text: sources.phrases[text] for text, _ in sources.sentences},
        reviews=[sources.reviews.texts[row] for row in sources.fitted],
        labels=sources.reviews.labels[sources.fitted],
    )
    reader = Reader(teacher_dir)
    teacher = train_teacher(TeacherRecipe(), teacher_dir, texts, run_dir / "teacher.pt")
    logits = label(questions.texts, teacher, reader, run_dir / "labels")
    first_id = TAUGHT.num_words - len(words)
    vectors = word_vectors(teacher, reader, words, first_id, TAUGHT.embedding_dim)
    TeacherAnswers(logits, vectors, ngrams, questions.digest).write(output)
    click.echo(f"{len(questions.texts):,} answers written to {output}")


def main() -> None:
    """Run the command; an error that names what to mend is printed as one line."""
    try:
        cli()
    except (TrainingError, ServiceError) as error:
        raise SystemExit(f"training: {error}") from None


if __name__ == "__main__":
    main()
