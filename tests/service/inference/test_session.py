import sys
from collections.abc import Sequence

import numpy as np
import pytest

from service.errors import BundleError
from service.inference.bundle import Bundle, open_bundle
from service.inference.session import Session
from tests.service.conftest import MAXLEN, BundleFolder, score_graph

THE, GOOD, BAD = 4, 5, 6


def session(small: BundleFolder) -> Session:
    return Session(open_bundle(small.path), "float32")


def sigmoid(*logits: float) -> Sequence[float]:
    return [float(1 / (1 + np.exp(-logit))) for logit in logits]


def test_each_text_gets_its_own_probability_in_order(small: BundleFolder) -> None:
    answer = session(small).probabilities([[1, GOOD, GOOD], [1], [1, BAD]])
    assert answer == pytest.approx(sigmoid(4, 0, -2))
    assert answer.dtype == np.float32


def test_many_texts_of_all_lengths_come_back_in_order(small: BundleFolder) -> None:
    texts = [[1] + [GOOD] * (i % 7) for i in range(200)]
    expected = sigmoid(*(2.0 * (i % 7) for i in range(200)))
    assert session(small).probabilities(texts) == pytest.approx(expected)


def test_no_texts_give_no_probabilities(small: BundleFolder) -> None:
    assert session(small).probabilities([]).shape == (0,)


def test_a_long_text_loses_its_beginning(small: BundleFolder) -> None:
    long = [GOOD] * 5 + [THE] * (MAXLEN - 1) + [BAD]
    assert session(small).probabilities([long]) == pytest.approx(sigmoid(-2))


def test_a_long_text_loses_its_end_where_the_manifest_says_so(small: BundleFolder) -> None:
    small.change_manifest(input={**small.manifest()["input"], "truncating": "post"})
    long = [BAD] + [THE] * (MAXLEN - 1) + [GOOD] * 5
    assert session(small).probabilities([long]) == pytest.approx(sigmoid(-2))


@pytest.mark.parametrize(("padding", "position"), [("post", 0), ("pre", MAXLEN - 1)])
def test_padding_goes_to_the_side_that_the_manifest_names(small: BundleFolder, padding: str, position: int) -> None:
    small.change_manifest(input={**small.manifest()["input"], "padding": padding})
    padded = session(small).runs([[7]])[0].token_ids
    assert padded.shape == (1, MAXLEN)
    assert padded[0].tolist() == [7 if i == position else 0 for i in range(MAXLEN)]


def test_a_graph_of_free_length_gets_no_more_padding_than_the_longest_text_needs(small: BundleFolder) -> None:
    small.replace_file("model.onnx", score_graph([0.0] * 9, width=None).SerializeToString())
    small.change_manifest(graphs={"float32": {"file": "model.onnx", "input_shape": [None, None], "metrics": {}}})
    assert session(small).runs([[7], [7, 7]])[0].token_ids.tolist() == [[7, 0], [7, 7]]


@pytest.mark.parametrize(
    ("graph", "complaint"),
    [
        (b"no graph at all", "cannot load"),
        (score_graph([0.0] * 9).SerializeToString()[:-40], "cannot load"),
        (score_graph([0.0] * 9, width=7).SerializeToString(), "inputs"),
        (score_graph([0.0] * 9, output="other").SerializeToString(), "output"),
        (score_graph([0.0]).SerializeToString(), "fails on a text"),
        (score_graph([float("nan")] * 9).SerializeToString(), "not probabilities"),
    ],
)
def test_a_graph_that_cannot_serve_is_refused_in_one_line(small: BundleFolder, graph: bytes, complaint: str) -> None:
    small.replace_file("model.onnx", graph)
    with pytest.raises(BundleError, match=complaint) as caught:
        session(small)
    assert "\n" not in str(caught.value)
    assert "model.onnx" in str(caught.value)


def test_the_estimated_time_of_a_run_rises_with_its_ids(small: BundleFolder) -> None:
    session = Session(open_bundle(small.path), "float32")
    alone, several = (session.runs([[1]] * number)[0] for number in (1, 4))
    assert 0 < session.seconds(alone) < session.seconds(several)


def test_a_session_keeps_no_copy_of_its_graph(small: BundleFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = []
    read = Bundle.read

    def noted(bundle: Bundle, name: str) -> bytes:
        contents.append(read(bundle, name))
        return contents[-1]

    monkeypatch.setattr(Bundle, "read", noted)
    loaded = session(small)
    graph = contents.pop()
    assert sys.getrefcount(graph) == 2  # of the name and of the argument
    assert loaded.probabilities([[1, GOOD]]) == pytest.approx(sigmoid(2))
