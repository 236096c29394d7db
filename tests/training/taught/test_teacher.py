"""The transformer that teaches, with a tiny one in place of the pre-trained weights."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch", reason="the extra `teacher` is not installed")
transformers: Any = pytest.importorskip("transformers", reason="the extra `teacher` is not installed")
tokenizers: Any = pytest.importorskip("tokenizers", reason="the extra `teacher` is not installed")

from training.errors import DataError  # noqa: E402
from training.taught.labelling import label, word_vectors  # noqa: E402
from training.taught.teacher import Reader, Teacher, check_weights  # noqa: E402
from training.taught.teacher_training import (  # noqa: E402
    TeacherRecipe,
    TeacherTexts,
    learning_rate,
    phrase_examples,
    train_teacher,
    training_steps,
)

WORDS = ["good", "bad", "film", "a", "was", "it", "the", "end"]
RECIPE = replace(
    TeacherRecipe(),
    frozen_layers=1,
    steps=50,
    sentence_steps=10,
    batch_tokens=256,
    learning_rate=1e-2,
    head_learning_rate=1e-2,
    piece_words=(3, 12),
)
PHRASES = {f"{word} {noun}": label for word, label in (("good", 4.0), ("bad", 0.0)) for noun in WORDS}
REVIEWS = [f"The film was {word}. It was a {word} film. The end." for word in ("good", "bad")] * 10
TEXTS = TeacherTexts(PHRASES, PHRASES, REVIEWS, np.array([1, 0] * 10))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(path / "tokenizer.json"))
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    torch.manual_seed(1)
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def teacher(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Teacher:
    checkpoint = tmp_path_factory.mktemp("run") / "teacher.pt"
    return train_teacher(RECIPE, folder, TEXTS, checkpoint)


def test_other_weights_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="TEACHER_DIR"):
        check_weights(tmp_path)
    with pytest.raises(DataError, match="its SHA-256 is another"):
        check_weights(folder)


def test_neutral_phrases_are_drawn_and_opinions_are_all_there() -> None:
    phrases = {**{f"neutral {number}": 2.0 for number in range(1_000)}, "fine": 3.0, "great": 4.0}
    examples = phrase_examples(phrases, 0.2, np.random.default_rng(0))
    assert 150 < len(examples.texts) - 2 < 250
    targets = dict(zip(examples.texts, examples.targets.tolist(), strict=True))
    assert (targets["fine"], targets["great"]) == (pytest.approx(0.9), 1)


def test_every_step_has_both_heads_and_every_batch_of_an_epoch_is_used(folder: Path) -> None:
    recipe = replace(RECIPE, batch_tokens=16)
    steps = training_steps(recipe, Reader(folder), TEXTS, PHRASES, 40)
    assert [tuple(head for head, _, _ in step) for step in steps] == [(0, 1)] * 40
    assert len({phrases[1].tobytes() for phrases, _ in steps[:16]}) > 1
    drawn = sum(len(targets) for (_, _, targets), _ in steps[: len(REVIEWS)])
    assert drawn >= len(PHRASES)


def test_the_learning_rate_rises_falls_and_falls_again() -> None:
    recipe = replace(RECIPE, steps=50, sentence_steps=10)
    rates = [learning_rate(recipe, step) for step in range(61)]
    assert [round(rates[step], 3) for step in (0, 2, 49, 50, 55, 60)] == [0.333, 1, 0.021, 0.6, 0.3, 0]


def test_both_heads_learn_and_the_labels_say_so(teacher: Teacher, folder: Path, tmp_path: Path) -> None:
    reader = Reader(folder)
    texts = ["a good film", "it was bad", "the film was good", "bad end"]
    logits = label(texts, teacher, reader, tmp_path / "parts")
    assert (logits > 0).tolist() == [[True, True], [False, False]] * 2
    np.save(tmp_path / "parts" / "0.npy", np.zeros((4, 2), np.float16))  # a part that is there is taken
    assert not label(texts, teacher, reader, tmp_path / "parts").any()


def test_training_goes_on_from_its_checkpoint(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.taught.teacher_training.SAVE_EVERY", 5)
    checkpoint, short = tmp_path / "teacher.pt", replace(RECIPE, steps=8, sentence_steps=2)
    train_teacher(short, folder, TEXTS, checkpoint)
    assert torch.load(checkpoint, weights_only=True)["step"] == 10
    before = checkpoint.stat().st_mtime_ns
    train_teacher(short, folder, TEXTS, checkpoint)
    assert checkpoint.stat().st_mtime_ns == before


def test_word_vectors_are_of_the_asked_size_and_length(teacher: Teacher, folder: Path) -> None:
    vectors = word_vectors(teacher, Reader(folder), WORDS, 4, 3)
    assert vectors.shape == (4 + len(WORDS), 3)
    assert not vectors[:4].any()
    assert np.linalg.norm(vectors[4:].astype(float), axis=1).mean() == pytest.approx(0.8, abs=0.01)
