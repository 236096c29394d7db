"""The teachers: what they read, what they learn, and that a label is never judged by one that has seen it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `teacher` is not installed")
pytest.importorskip("tokenizers", reason="the extra `teacher` is not installed")

from service.inference.ngrams import NgramTable  # noqa: E402
from tests.training.rated.conftest import GOOD, LABELLED, RATED  # noqa: E402
from training.rated import teacher_training  # noqa: E402
from training.rated.sources import read_sources  # noqa: E402
from training.rated.teacher import Reader, Teacher, normalized, stacked, train_reader  # noqa: E402
from training.rated.teacher_training import NO_LABEL, Examples, TeacherRecipe, rate, recurrent_answers  # noqa: E402

TINY = TeacherRecipe(
    orders=(2, 1), pieces=60, vector_size=8, hidden=8, epochs=12, learning_rate=0.03, batch_ids=400, batch_texts=16
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    path = tmp_path_factory.mktemp("reader") / "pieces.json"
    train_reader(["영화 좋다", "영화 별로", "좋다 좋다!!"] * 5, 60, path)
    return Reader(path)


def test_texts_are_read_as_pieces_after_the_start(reader: Reader) -> None:
    [good, twice, other] = reader.read(["영화 좋다", "영화 좋다 영화 좋다", "ﾔ"])
    assert good[0] == twice[0] == other[0] == 1
    assert twice[1:].tolist() == good[1:].tolist() * 2
    assert 2 in other  # unknown
    assert max(good) < reader.pieces <= 60


def test_a_text_is_normalized_before_it_is_read() -> None:
    assert normalized("ＧＯＯＤ ㅋㅋㅋㅋㅋ!!!") == normalized("good ㅋㅋ!!")


def test_ngrams_stand_where_they_begin() -> None:
    table = NgramTable(np.array([5 * 10 + 6, 5 * 100 + 6 * 10 + 7]), 3, 10)
    found = stacked([np.array([1, 5, 6, 7]), np.array([1, 5, 6]), np.array([1])], table)
    assert found[:, :, 0].tolist() == [[1, 5, 6, 7], [1, 5, 6, 0], [1, 0, 0, 0]]
    assert found[:, :, 1].tolist() == [[0, 10, 0, 0], [0, 10, 0, 0], [0, 0, 0, 0]]
    assert found[:, :, 2].tolist() == [[0, 11, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


@pytest.mark.parametrize("order", [1, 3])
def test_padding_and_ngrams_that_are_not_read_change_no_answer(order: int) -> None:
    torch.manual_seed(1)
    teacher = Teacher(12, 4, 4, order, 0.5, 0.5).eval()
    table = NgramTable(np.array([56, 567]), 3, 10)
    texts = [np.array([1, 5, 6, 7, 8, 9]), np.array([1, 5, 6, 7])]
    with torch.inference_mode():
        together = teacher(torch.from_numpy(stacked(texts, table)))[0]
        alone = teacher(torch.from_numpy(stacked(texts[:1], table)))[0]
        without = teacher(torch.from_numpy(stacked(texts, NgramTable(np.array([99]), 3, 10))))[0]
    np.testing.assert_allclose(together[0], alone[0], atol=1e-2)
    assert (together == without).all() == (order == 1)


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [rate(step, 300) for step in range(300)]
    assert rates[0] < 0.2
    assert max(rates) == rates[9] > 0.95
    assert rates[-1] < 0.05


def test_teachers_learn_and_no_label_is_judged_by_one_that_has_seen_it(
    nsmc_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = read_sources(nsmc_folder, 0.2)
    seen: list[set[int]] = []

    def noting(recipe: Any, number: int, examples: Examples, labelled: Any, *rest: Any) -> Any:
        assert (examples.ratings[:LABELLED] == NO_LABEL).all()
        assert (examples.labels[LABELLED:] == NO_LABEL).all()
        seen.append(set(labelled.tolist()))
        return train(recipe, number, examples, labelled, *rest)

    train = teacher_training.train_teacher
    monkeypatch.setattr(teacher_training, "train_teacher", noting)
    answers, teacher_of = recurrent_answers(TINY, sources, tmp_path)
    assert [logits.shape for logits in answers] == [(LABELLED + RATED,)] * 2
    for logits in answers:
        right = [(logit > 0) == (GOOD in text) for logit, text in zip(logits, sources.texts, strict=True)]
        assert np.mean(right) > 0.9
    assert seen[0] | seen[1] == set(sources.fitted.tolist())
    for number, own in enumerate(seen):
        assert own
        assert not own & set(np.flatnonzero(teacher_of == number).tolist())
    monkeypatch.setattr(teacher_training, "train_teacher", lambda *_: pytest.fail("it trains again"))
    for logits, again in zip(answers, recurrent_answers(TINY, sources, tmp_path)[0], strict=True):
        np.testing.assert_array_equal(logits, again)


def test_an_interrupted_training_goes_on_where_it_was(
    nsmc_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = read_sources(nsmc_folder, 0.2)
    recipe = replace(TINY, epochs=2, dropout=0.0, ngram_dropout=0.0, orders=(1,))
    examples = Examples(
        [np.array([1, 5 if GOOD in text else 6]) for text in sources.labelled.texts],
        sources.labelled.labels,
        np.full(LABELLED, NO_LABEL),
        NgramTable(np.array([5 * 60 + 6]), 3, 60),
    )
    monkeypatch.setattr(teacher_training, "SAVE_EVERY", 1)
    steps, loss_of = [], teacher_training.loss_of

    def interrupted(*arguments: Any) -> Any:
        steps.append(arguments[-1].tolist())
        if len(steps) == 10:
            raise KeyboardInterrupt
        return loss_of(*arguments)

    none = np.zeros(0, np.int64)
    monkeypatch.setattr(teacher_training, "loss_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        teacher_training.train_teacher(recipe, 0, examples, sources.fitted, none, tmp_path / "teacher.pt")
    again = teacher_training.train_teacher(recipe, 0, examples, sources.fitted, none, tmp_path / "teacher.pt")
    assert steps[9] == steps[10]  # it is not left out, and none before it comes again
    assert len(steps) == 1 + sum(1 for _ in examples.batches(recipe, sources.fitted, np.random.default_rng(0))) * 2
    logits = teacher_training.label(recipe, again, examples)
    assert ((logits > 0) == (sources.labelled.labels == 1)).all()
