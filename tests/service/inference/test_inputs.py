"""What a graph is fed: ids cut and padded, and the n-grams of what is left."""

import io
import pickle
import random

import numpy as np
import pytest

from service.errors import BundleError
from service.inference.batching import MAX_RUN_IDS, MAX_RUN_TEXTS
from service.inference.bundle import open_bundle
from service.inference.inputs import Inputs
from service.inference.predictor import Predictor
from tests.service.conftest import (
    DONT,
    FILM,
    GOOD,
    MAXLEN,
    NGRAM_SCORES,
    NUM_WORDS,
    SCORES,
    THE,
    WORDS,
    BundleFolder,
    as_npy,
    key_of,
    score_graph,
)

GOOD_FILM, DONT_GOOD, THE_GOOD_FILM = range(NUM_WORDS, NUM_WORDS + 3)
"""The ids of the n-grams, in the order of `NGRAM_SCORES`."""


def inputs(bundle: BundleFolder, width: int | None = None) -> Inputs:
    return Inputs(open_bundle(bundle.path), width)


def predictor(bundle: BundleFolder) -> Predictor:
    return Predictor.load(open_bundle(bundle.path), "float32")


def logit_of(text: str) -> float:
    """What the bundle with n-grams has to say of a text of known words that is not cut."""
    words = text.split()
    ids = [WORDS.index(word) + 4 for word in words]
    ngrams = [tuple(ids[place : place + order]) for order in (2, 3) for place in range(len(ids) + 1 - order)]
    return sum(SCORES.get(word, 0.0) for word in words) + sum(NGRAM_SCORES.get(ngram, 0.0) for ngram in ngrams)


def probability_of(text: str) -> float:
    return float(1 / (1 + np.exp(-logit_of(text))))


def test_without_ngrams_a_run_has_none(small: BundleFolder) -> None:
    [run] = inputs(small).runs([[1, GOOD, FILM]])
    assert run.ngram_ids is None


def test_a_run_has_the_ngrams_of_each_of_its_texts(with_ngrams: BundleFolder) -> None:
    [run] = inputs(with_ngrams).runs([[1, THE, GOOD, FILM], [1], [1, DONT, GOOD]])
    assert run.rows == [1, 2, 0]  # by length
    assert run.token_ids.tolist() == [[1, 0, 0, 0], [1, DONT, GOOD, 0], [1, THE, GOOD, FILM]]
    assert run.ngram_ids is not None
    assert run.ngram_ids.tolist() == [
        [1, 0, 0, 0, *[0, 0], *[0, 0], *[0, 0], *[0, 0]],
        [1, DONT, GOOD, 0, *[0, 0], *[DONT_GOOD, 0], *[0, 0], *[0, 0]],
        [1, THE, GOOD, FILM, *[0, 0], *[0, THE_GOOD_FILM], *[GOOD_FILM, 0], *[0, 0]],
    ]
    assert run.ngram_ids.dtype == np.int32


@pytest.mark.parametrize(("truncating", "found"), [("pre", set()), ("post", {GOOD_FILM, THE_GOOD_FILM})])
def test_ngrams_are_those_of_what_is_read_after_the_cut(
    with_ngrams: BundleFolder, truncating: str, found: set[int]
) -> None:
    with_ngrams.change_manifest(input={**with_ngrams.manifest()["input"], "truncating": truncating})
    [run] = inputs(with_ngrams).runs([[THE, GOOD, FILM, *[THE] * (MAXLEN - 1)]])
    assert run.ngram_ids is not None
    assert set(run.ngram_ids[0].tolist()) - {0, THE, GOOD, FILM} == found


def test_padding_breaks_no_ngram_and_makes_none(with_ngrams: BundleFolder) -> None:
    [run] = inputs(with_ngrams, MAXLEN).runs([[1, DONT, GOOD], [1, FILM]])
    assert run.token_ids.shape == (2, MAXLEN)
    assert run.ngram_ids is not None
    assert [sorted(row[row >= NUM_WORDS].tolist()) for row in run.ngram_ids] == [[], [DONT_GOOD]]


def test_the_extremes_have_the_last_of_the_ngrams_beside_their_own(with_ngrams: BundleFolder) -> None:
    runs = inputs(with_ngrams).extremes()
    assert [run.token_ids.shape for run in runs] == [
        (1, 1),
        (1, MAXLEN),
        (MAX_RUN_TEXTS, 1),
        (MAX_RUN_TEXTS, MAXLEN),
    ]
    for run in runs:
        assert run.ngram_ids is not None
        assert (run.ngram_ids[:, : run.token_ids.shape[1]] == run.token_ids).all()
        assert (run.ngram_ids.max(axis=1) == THE_GOOD_FILM).all()


# Answers


@pytest.mark.parametrize("text", ["good film", "the good film", "don't good", "film good", "don't good film", "the"])
def test_what_the_ngrams_of_a_text_say_counts(with_ngrams: BundleFolder, text: str) -> None:
    [prediction] = predictor(with_ngrams).predict([text])
    assert prediction.probability == pytest.approx(probability_of(text), abs=1e-6)


def test_it_is_the_ngram_that_counts_and_not_its_words(with_ngrams: BundleFolder) -> None:
    both = predictor(with_ngrams).predict(["don't good", "good don't"])
    assert [one.label for one in both] == ["negative", "positive"]


def test_runs_of_mixed_lengths_answer_as_each_text_alone(with_ngrams: BundleFolder) -> None:
    chance, model = random.Random(5), predictor(with_ngrams)  # noqa: S311
    texts = [" ".join(chance.choices(WORDS[:-1], k=chance.randrange(1, MAXLEN))) for _ in range(5 * MAX_RUN_TEXTS + 3)]
    together = model.predict(texts)
    assert together == [model.predict([text])[0] for text in texts]
    np.testing.assert_allclose([one.probability for one in together], [*map(probability_of, texts)], atol=1e-6)


# Bundles that do not fit together


def refusal(bundle: BundleFolder) -> str:
    with pytest.raises(BundleError) as caught:
        predictor(bundle)
    message = str(caught.value)
    assert "\n" not in message
    assert str(bundle.path) in message
    return message


def zipped() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, keys=np.array([50, 60]))
    return stream.getvalue()


KEYS = [*map(key_of, NGRAM_SCORES)]


NO_NGRAMS = {
    "empty": b"",
    "text": b"no array at all",
    "broken archive": b"PK\x03\x04 nor an archive",
    "archive": zipped(),
    "cut": as_npy(np.array(KEYS))[:-5],
    "cut header": as_npy(np.array(KEYS))[:20],
    "broken header": as_npy(np.array(KEYS)).replace(b"'shape': (3,)", b"'shape': (3;)"),
    "endless header": b"\x93NUMPY\x02\x00" + (10**6).to_bytes(4, "little") + b" " * 10**6,
    "pickle": pickle.dumps(KEYS),
    "objects": as_npy(np.array([{}, []], object)),
    "rows": as_npy(np.array([KEYS])),
    "one number": as_npy(np.array(5)),
    "32 bits": as_npy(np.array(KEYS, np.int32)),
    "other bytes first": as_npy(np.array(KEYS, ">i8")),
    "floats": as_npy(np.array(KEYS, np.float64)),
    "falling": as_npy(np.array(KEYS[::-1])),
    "a word": as_npy(np.array([3, *KEYS])),
    "four words": as_npy(np.array([*KEYS, NUM_WORDS**3])),
}


@pytest.mark.parametrize("content", NO_NGRAMS.values(), ids=NO_NGRAMS)
def test_a_file_that_holds_no_ngrams_is_refused_in_one_line(with_ngrams: BundleFolder, content: bytes) -> None:
    with_ngrams.replace_file("ngrams.npy", content)
    assert "ngrams.npy: cannot be used: " in refusal(with_ngrams)


def test_more_ngrams_than_the_graph_has_scores_of_are_refused_before_any_text_has_one(
    with_ngrams: BundleFolder,
) -> None:
    with_ngrams.replace_file("ngrams.npy", as_npy(np.array([*KEYS, key_of((FILM, FILM, FILM))])))
    assert "model.onnx: the graph fails on a text" in refusal(with_ngrams)


def test_a_missing_file_of_ngrams_is_named(with_ngrams: BundleFolder) -> None:
    (with_ngrams.path / "ngrams.npy").unlink()
    assert "ngrams.npy: cannot be read" in refusal(with_ngrams)


def test_a_changed_file_of_ngrams_is_named(with_ngrams: BundleFolder) -> None:
    (with_ngrams.path / "ngrams.npy").write_bytes(as_npy(np.array(KEYS[:2])))
    message = refusal(with_ngrams)
    assert "ngrams.npy" in message
    assert "SHA-256" in message


def test_ngrams_without_a_hash_are_refused(with_ngrams: BundleFolder) -> None:
    files = with_ngrams.manifest()["files"]
    del files["ngrams.npy"]
    with_ngrams.change_manifest(files=files)
    assert "no hash is given for ngrams.npy" in refusal(with_ngrams)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"file": "../ngrams.npy"}, "ngrams.file"),
        ({"max_order": 1}, "ngrams.max_order"),
        ({"max_order": 10**9}, "ngrams.max_order"),
        ({"max_order": 21}, "too many for 64 bits"),
        ({"max_order": 2}, "not those of n-grams of 2 to 2"),
        ({"name": "others"}, "its inputs are"),
        ({"name": "token_ids"}, "its inputs are"),
    ],
)
def test_a_manifest_that_speaks_of_other_ngrams_is_refused(
    with_ngrams: BundleFolder, changes: dict[str, object], complaint: str
) -> None:
    with_ngrams.change_manifest(ngrams={**with_ngrams.manifest()["ngrams"], **changes})
    assert complaint in refusal(with_ngrams)


@pytest.mark.parametrize(
    ("part", "changes"), [("input", {"padding": "pre"}), ("tokenizer", {"pad_id": 3})], ids=["left", "not 0"]
)
def test_ngrams_of_texts_that_are_padded_otherwise_are_refused(
    with_ngrams: BundleFolder, part: str, changes: dict[str, object]
) -> None:
    with_ngrams.change_manifest(**{part: {**with_ngrams.manifest()[part], **changes}})
    assert "padded with 0 on the right" in refusal(with_ngrams)


def test_a_graph_without_the_second_input_is_refused(with_ngrams: BundleFolder) -> None:
    graph = score_graph([0.0] * NUM_WORDS, None, gives_logit=True)
    with_ngrams.replace_file("model.onnx", graph.SerializeToString())
    assert "model.onnx: its inputs are" in refusal(with_ngrams)


def test_a_graph_with_a_second_input_that_the_manifest_is_silent_of_is_refused(with_ngrams: BundleFolder) -> None:
    with_ngrams.change_manifest(ngrams=None)
    assert "model.onnx: its inputs are" in refusal(with_ngrams)


def test_a_run_has_texts_of_like_length_and_no_more_ids_than_allowed(small: BundleFolder) -> None:
    small.replace_file("model.onnx", score_graph([0.0] * NUM_WORDS, width=None).SerializeToString())
    small.change_manifest(
        input={**small.manifest()["input"], "maxlen": 2 * MAX_RUN_IDS},
        graphs={"float32": {"file": "model.onnx", "input_shape": [None, None], "metrics": {}}},
    )
    sizes = [1] * 70 + [MAX_RUN_IDS // 10] * 25 + [MAX_RUN_IDS - 1, MAX_RUN_IDS, 2 * MAX_RUN_IDS]
    lengths = np.random.default_rng(1).permutation(sizes).tolist()
    runs = Inputs(open_bundle(small.path)).runs([[4] * length for length in lengths])
    assert sorted(row for run in runs for row in run.rows) == [*range(len(lengths))]
    for run in runs:
        assert len(run.rows) <= MAX_RUN_TEXTS
        assert run.token_ids.size <= MAX_RUN_IDS or len(run.rows) == 1
    assert [len(run.rows) for run in runs] == [32, 32, 10, 10, 10, 1, 1, 1, 1]
