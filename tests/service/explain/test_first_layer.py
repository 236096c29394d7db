"""The strongest filters of graphs that take texts of any length, some of them shorter than a filter is wide."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.explain.first_layer import Match, strongest_filters
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from tests.service.conftest import BAD, FILM, GOOD, BundleFolder, score_graph, write_small_bundle

SCORES = [0.0, 0.25, 0.0, 0.0, 0.0, 2.0, -2.0, 0.0, -1.0]  # by id
WIDTH = 3


def graph(own_answer: float) -> onnx.ModelProto:
    """`score_graph` of free length, and a convolution of width 3 with padding behind, as wide networks have it.

    A text of n ids has n + 1 steps. Filter 0 adds up the scores of three ids, filter 1 counts the last twice; filter 2
    adds that of the first to `own_answer`, which is what it gives to padding.
    """
    model = score_graph(SCORES, width=None)
    kernel = np.array([[[1, 1, 1]], [[0, 0, 2]], [[1, 0, 0]]], np.float32)
    constants = {
        "kernel": kernel,
        "bias": np.array([0, 0, own_answer], np.float32),
        "one": np.array([1]),
        "behind": np.array([0, 0, 0, 0, 0, WIDTH]),
    }
    model.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in constants.items())
    model.graph.node.extend(
        [
            helper.make_node("Unsqueeze", ["score", "one"], ["channel"]),
            helper.make_node("Pad", ["channel", "behind"], ["padded"]),
            helper.make_node("Conv", ["padded", "kernel", "bias"], ["convolved"]),
            helper.make_node("Relu", ["convolved"], ["rectified"]),
            helper.make_node("Transpose", ["rectified"], ["threes"], perm=[0, 2, 1]),
        ]
    )
    model.graph.output.append(helper.make_tensor_value_info("threes", TensorProto.FLOAT, ["batch", "steps", 3]))
    return model


def with_threes(folder: Path, own_answer: float = -100.0) -> BundleFolder:
    bundle = write_small_bundle(folder)
    bundle.replace_file("reference.onnx", graph(own_answer).SerializeToString())
    spec = {"file": "reference.onnx", "input_shape": [None, None], "metrics": {}}
    layer = {"name": "threes", "kind": "Conv1D", "output_shape": [9, 3], "parameters": 12, "kernel_size": WIDTH}
    bundle.change_manifest(graphs={"reference": spec}, layers=[{**layer, "activations": "threes"}])
    return bundle


def strongest(bundle: BundleFolder, *token_ids: int) -> list[Match]:
    predictor = Predictor.load(open_bundle(bundle.path), "reference")
    return strongest_filters(predictor, np.array(token_ids, np.int32), 10)


@pytest.mark.parametrize(
    ("token_ids", "expected"),
    [
        ((GOOD,), [(0, 0, 2.0)]),
        ((1,), [(0, 0, 0.25)]),
        ((FILM,), []),
        ((FILM, GOOD), [(0, 0, 2.0)]),
        ((FILM, FILM, GOOD), [(1, 0, 4.0), (0, 0, 2.0)]),
        ((BAD, GOOD, GOOD), [(0, 1, 4.0), (1, 0, 4.0)]),  # its best run has padding behind
        ((1, FILM, BAD, BAD, FILM, GOOD), [(1, 3, 4.0), (0, 4, 2.0)]),
    ],
)
def test_each_filter_is_found_where_it_answers_most(
    tmp_path: Path, token_ids: tuple[int, ...], expected: list[tuple[int, int, float]]
) -> None:
    matches = strongest(with_threes(tmp_path), *token_ids)
    assert [(match.number, match.position, match.activation) for match in matches] == expected
    assert all((match.layer, match.width) == ("threes", WIDTH) for match in matches)


def test_the_step_behind_the_text_does_not_count(tmp_path: Path) -> None:
    bundle = with_threes(tmp_path, own_answer=0.5)
    assert strongest(bundle, BAD, BAD) == []  # though filter 2 gives 0.5 there, and 0 to all that is text
    assert strongest(bundle, BAD, FILM) == [Match("threes", 2, 1, WIDTH, 0.5)]


@pytest.mark.parametrize("length", range(1, 9))
def test_texts_of_every_length_are_answered(tmp_path: Path, length: int) -> None:
    matches = strongest(with_threes(tmp_path), *[GOOD] * length)
    assert matches[0].activation == 2.0 * min(length, 3)
