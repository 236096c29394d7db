"""`POST /layers`, over a network whose first layer can be computed by hand."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper, numpy_helper

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.server.application import create_app
from service.settings import Settings
from tests.service.api.test_predict import assert_problem
from tests.service.conftest import MAXLEN, BundleFolder, score_graph, write_korean_bundle, write_small_bundle

SCORES = [0.5, 0.0, 0.0, 0.0, 0.0, 2.0, -2.0, 0.0, -1.0]  # by id; padding has one too
LAYERS: list[dict[str, Any]] = [
    {"name": "scores", "kind": "Embedding", "output_shape": [MAXLEN, 1], "parameters": 9},
    {
        **{"name": "pairs", "kind": "Conv1D", "output_shape": [MAXLEN - 1, 2], "parameters": 4},
        **{"kernel_size": 2, "activations": "pairs"},
    },
    {"name": "sum", "kind": "Dense", "output_shape": [1], "parameters": 0},
]


def graph_with_pairs() -> onnx.ModelProto:
    """`score_graph`, and a convolution of width 2 over the scores: filter 0 adds them, filter 1 wants them bad."""
    model = score_graph(SCORES)
    kernel = np.array([[[1, 1]], [[-1, -1]]], np.float32)
    model.graph.initializer.extend(
        [numpy_helper.from_array(kernel, "kernel"), numpy_helper.from_array(np.array([1]), "one")]
    )
    model.graph.node.extend(
        [
            helper.make_node("Unsqueeze", ["score", "one"], ["channel"]),
            helper.make_node("Conv", ["channel", "kernel"], ["convolved"]),
            helper.make_node("Relu", ["convolved"], ["rectified"]),
            helper.make_node("Transpose", ["rectified"], ["pairs"], perm=[0, 2, 1]),
        ]
    )
    model.graph.output.append(helper.make_tensor_value_info("pairs", TensorProto.FLOAT, ["batch", MAXLEN - 1, 2]))
    return model


def give_layers(bundle: BundleFolder, **changes: Any) -> None:
    [graph] = bundle.manifest()["graphs"].values()
    bundle.replace_file("reference.onnx", graph_with_pairs().SerializeToString())
    graphs = {"float32": graph, "reference": {**graph, "file": "reference.onnx"}}
    bundle.change_manifest(**{"graphs": graphs, "layers": LAYERS, **changes})


def serving(bundle: BundleFolder, **settings: Any) -> TestClient:
    return TestClient(create_app(Settings(models_dir=bundle.path.parents[1], model="small", **settings)))


@pytest.fixture
def with_layers(small: BundleFolder) -> Iterator[TestClient]:
    give_layers(small)
    with serving(small, request_log=False, max_explained_words=12) as client:
        yield client


def layers(client: TestClient, text: str) -> Any:
    response = client.post("/layers", json={"text": text})
    assert response.status_code == 200, response.text
    return response.json()


def test_each_word_has_its_id_and_place(with_layers: TestClient) -> None:
    answer = layers(with_layers, "The good 😀 rare don’t, nonsense")
    tokens = [(t["word"], t["id"], t["known"], t["position"]) for t in answer["tokens"]]
    assert tokens == [
        (None, 1, True, 0),
        ("The", 4, True, 1),
        ("good", 5, True, 2),
        ("😀", None, False, None),
        ("rare", 2, False, 3),
        ("don’t", 8, True, 4),
        ("nonsense", None, False, None),
    ]
    assert answer["sequence"] == {"length": MAXLEN, "used": 5, "padding": "post", "cut": 0}
    assert answer["prediction"] == {
        key: value
        for key, value in with_layers.post("/predict", json={"text": "The good 😀 rare don’t, nonsense"}).json().items()
        if key != "model"
    }
    assert answer["model"] == {"name": "small", "version": 1}


def test_what_is_cut_off_has_no_place(with_layers: TestClient) -> None:
    answer = layers(with_layers, "bad film film film film film film film good")  # 10 ids with the start; 8 are read
    assert answer["sequence"] == {"length": MAXLEN, "used": MAXLEN, "padding": "post", "cut": 2}
    assert [token["position"] for token in answer["tokens"]] == [None, None, *range(MAXLEN)]
    assert [match["words"] for match in answer["filters"]] == [["film", "good"]]


def test_padding_in_front_moves_the_words_back(small: BundleFolder) -> None:
    give_layers(small, input={**small.manifest()["input"], "padding": "pre"})
    with serving(small) as client:
        answer = layers(client, "film good film")
    assert [token["position"] for token in answer["tokens"]] == [4, 5, 6, 7]
    assert (answer["filters"][0]["position"], answer["filters"][0]["words"]) == (5, ["film", "good"])


def test_each_filter_has_the_words_that_excite_it_most(with_layers: TestClient) -> None:
    strongest, second = layers(with_layers, "bad don't film good good")["filters"]
    assert strongest == {"layer": "pairs", "filter": 0, "position": 4, "words": ["good", "good"], "activation": 4.0}
    assert second == {"layer": "pairs", "filter": 1, "position": 1, "words": ["bad", "don't"], "activation": 3.0}


def test_padding_alone_excites_no_filter(with_layers: TestClient) -> None:
    [only] = layers(with_layers, "film")["filters"]  # two paddings would give 1.0
    assert (only["words"], only["position"], only["activation"]) == (["film", None], 1, 0.5)


def test_the_layers_are_those_of_the_manifest(with_layers: TestClient) -> None:
    told = layers(with_layers, "good")["layers"]
    assert [{key: layer[key] for key in ("name", "kind", "output_shape", "parameters")} for layer in told] == [
        {key: layer[key] for key in ("name", "kind", "output_shape", "parameters")} for layer in LAYERS
    ]
    assert [layer["kernel_size"] for layer in told] == [None, 2, None]
    assert [model["layers"] for model in with_layers.get("/models").json()["models"]] == [True]


def test_the_committed_model_tells_of_its_layers(committed: TestClient) -> None:
    text = "A waste of time, not worth seeing. The worst film of the year."
    answer = committed.post("/layers?version=1", json={"text": text}).json()
    shapes = {layer["name"]: layer["output_shape"] for layer in answer["layers"]}
    assert (shapes["conv1_1"], shapes["pool3"], shapes["probability"]) == ([296, 64], [30, 256], [1])
    assert sum(layer["parameters"] for layer in answer["layers"]) == 725_457
    assert len(answer["filters"]) == 8
    assert all(len(match["words"]) == 5 for match in answer["filters"])
    activations = [match["activation"] for match in answer["filters"]]
    assert activations == sorted(activations, reverse=True)


# Problems


def test_a_bundle_without_layers_is_a_problem(client: TestClient) -> None:
    assert_problem(client.post("/layers", json={"text": "good"}), 404, "no-layers")
    assert [model["layers"] for model in client.get("/models").json()["models"]] == [False]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"text": " "}, 422, "blank-text"),
        ({"text": "good " * 13}, 422, "text-too-long"),
        ({"texts": ["good"]}, 422, "invalid-request"),
        ({}, 422, "invalid-request"),
    ],
)
def test_what_is_no_text_is_refused(with_layers: TestClient, body: dict[str, Any], status: int, slug: str) -> None:
    assert_problem(with_layers.post("/layers", json=body), status, slug)


def test_a_bundle_that_promises_activations_must_have_the_graph_for_them(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    bundle.change_manifest(layers=LAYERS)
    with pytest.raises(BundleError, match="no reference graph"):
        Predictor.load(open_bundle(bundle.path), "float32")


def test_an_output_that_no_layer_speaks_of_is_refused(small: BundleFolder) -> None:
    give_layers(small, layers=[])
    with pytest.raises(BundleError, match="its outputs are"):
        Predictor.load(open_bundle(small.path), "reference")


def test_a_model_of_characters_has_an_id_for_each_and_for_the_blank_before_each_word(tmp_path: Path) -> None:
    bundle = write_korean_bundle(tmp_path)
    bundle.change_manifest(layers=LAYERS[:1])
    with TestClient(create_app(Settings(models_dir=tmp_path, model="small-korean", request_log=False))) as client:
        answer = layers(client, "좋다  뷁ㅋㅋㅋㅋㅋ 나")
        decomposed = layers(client, unicodedata.normalize("NFD", "좋다"))
    assert [(t["word"], t["id"], t["known"], t["position"]) for t in answer["tokens"]] == [
        (None, 1, True, 0),
        ("", 3, True, 1),
        ("좋", 4, True, 2),
        ("다", 7, True, 3),
        ("", 3, True, 4),
        ("뷁", 2, False, 5),
        ("ㅋ", 10, True, 6),
        ("ㅋ", 10, True, 7),
        ("ㅋ", 10, True, 8),
        ("", 3, True, 9),
        ("나", 5, True, 10),
    ]
    assert (answer["prediction"]["words"], answer["prediction"]["known_words"]) == (9, 8)
    assert [unicodedata.normalize("NFC", t["word"]) for t in decomposed["tokens"][2:]] == ["좋", "다"]


def test_a_filter_that_a_request_names_is_traced_along_the_text(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path)
    give_layers(bundle)
    with serving(bundle) as client:
        body = {"text": "good film bad", "filter": {"layer": "pairs", "number": 0}}
        answer = client.post("/layers", json=body).json()
        trace = answer["filter"]
        assert trace["activations"] == [2.0, 2.0, 0.0, 0.0]
        assert (trace["first"], trace["width"], trace["weights"], trace["vectors"]) == (0, 2, None, None)
        assert "filter" not in client.post("/layers", json={"text": "good"}).json()
        refused = client.post("/layers", json={"text": "good", "filter": {"layer": "pairs", "number": 2}})
        assert refused.status_code == 422
        assert refused.json()["pointer"] == "/filter"
        assert "pairs (0 to 1)" in refused.json()["detail"]
