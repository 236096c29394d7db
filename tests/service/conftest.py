"""A bundle small enough to break, and the committed one to trust."""

import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import TensorProto, helper, numpy_helper

from service.server.application import create_app
from service.settings import Settings

MODELS_DIR = Path(__file__).parents[2] / "models"
MAXLEN = 8
WORDS = ["the", "good", "bad", "film", "don't", "rare"]
CHARACTERS = [" ", "좋", "나", "쁘", "다", "영", "화", "ㅋ"]
CHARACTER_SCORES = {"좋": 2.0, "나": -1.0, "쁘": -1.0}
KOREAN_MAXLEN = 20
SCORES = {"good": 2.0, "bad": -2.0, "don't": -1.0}  # ids from 9 on are cut: "rare" is
NUM_WORDS = 9
THE, GOOD, BAD, FILM, DONT = range(4, NUM_WORDS)
NGRAM_SCORES = {(GOOD, FILM): 0.5, (DONT, GOOD): -4.0, (THE, GOOD, FILM): 3.0}
"""By the ids of the n-gram, in the order of their keys."""


def score_graph(
    scores: list[float],
    width: int | None = MAXLEN,
    output: str = "probability",
    gives_logit: bool = False,
    ngram_scores: Sequence[float] = (),
) -> onnx.ModelProto:
    """A model to check by hand: the sigmoid of the sum of its words' scores, and that sum if wanted.

    With scores of n-grams it has a second input, and theirs are in the sum.
    """
    shape = ["batch", width or "length"]
    inputs = [helper.make_tensor_value_info("token_ids", TensorProto.INT32, shape)]
    nodes = [
        helper.make_node("Gather", ["scores", "token_ids"], ["score"]),
        helper.make_node("ReduceSum", ["score", "axis"], ["word_sum" if ngram_scores else "logit"], keepdims=1),
    ]
    if ngram_scores:
        inputs.append(helper.make_tensor_value_info("ngram_ids", TensorProto.INT32, ["batch", "ngrams"]))
        nodes += [
            helper.make_node("Gather", ["ngram_scores", "ngram_ids"], ["ngram_score"]),
            helper.make_node("ReduceSum", ["ngram_score", "axis"], ["ngram_sum"], keepdims=1),
            helper.make_node("Add", ["word_sum", "ngram_sum"], ["logit"]),
        ]
    nodes += [
        helper.make_node("Cast", ["logit"], ["exact"], to=TensorProto.DOUBLE),  # as in float32 its last bit varies
        helper.make_node("Sigmoid", ["exact"], ["sigmoid"]),
        helper.make_node("Cast", ["sigmoid"], [output], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "scores",
        inputs,
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1])
            for name in ([output, "logit"] if gives_logit else [output])
        ],
        [
            numpy_helper.from_array(np.array(scores, np.float32), "scores"),
            # The words among the n-gram ids count for nothing: they have their scores already.
            numpy_helper.from_array(np.array([0.0] * len(scores) + [*ngram_scores], np.float32), "ngram_scores"),
            numpy_helper.from_array(np.array([1]), "axis"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@dataclass(frozen=True)
class BundleFolder:
    """A bundle on disk that a test can spoil."""

    path: Path

    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.path / "manifest.json").read_text()))

    def change_manifest(self, **changes: Any) -> None:
        (self.path / "manifest.json").write_text(json.dumps({**self.manifest(), **changes}))

    def replace_file(self, name: str, content: bytes) -> None:
        """Puts another file in the place of one, with a manifest that agrees to it."""
        (self.path / name).write_bytes(content)
        self.change_manifest(files={**self.manifest()["files"], name: hashlib.sha256(content).hexdigest()})


def write_small_bundle(
    models_dir: Path, version: int = 1, bias: float = 0.0, gives_logit: bool = False
) -> BundleFolder:
    """A bundle of `score_graph`; `bias` is the score of the start id, to tell versions apart."""
    scores = [0.0, bias, 0.0, 0.0, *(SCORES.get(word, 0.0) for word in WORDS[:-1])]
    tokenizer = {"name": "keras-imdb", "num_words": NUM_WORDS, "index_from": 3}
    about = {"name": "small", "version": version, "description": "Adds up the scores of words."}
    if gives_logit:
        about["output"] = {"name": "probability", "dtype": "float32", "logit": "logit"}
    graph = score_graph(scores, gives_logit=gives_logit)
    return _write_bundle(models_dir, graph, MAXLEN, WORDS, tokenizer, about)


def write_korean_bundle(models_dir: Path, version: int = 1, bias: float = 0.0) -> BundleFolder:
    """A bundle that adds up the scores of Korean characters; `bias` is the score of the start id."""
    scores = [0.0, bias, 0.0, *(CHARACTER_SCORES.get(character, 0.0) for character in CHARACTERS)]
    tokenizer = {"name": "characters", "num_words": 3 + len(CHARACTERS)}
    tokenizer |= {"units": "syllables", "lowercase": True, "longest_run": 3}
    about = {"name": "small-korean", "version": version, "description": "Adds up characters.", "language": "ko"}
    return _write_bundle(models_dir, score_graph(scores, KOREAN_MAXLEN), KOREAN_MAXLEN, CHARACTERS, tokenizer, about)


def _write_bundle(
    models_dir: Path,
    graph: onnx.ModelProto,
    maxlen: int,
    vocabulary: list[str],
    tokenizer: dict[str, Any],
    about: dict[str, Any],
) -> BundleFolder:
    path = models_dir / about["name"] / str(about["version"])
    path.mkdir(parents=True)
    files = {
        "model.onnx": graph.SerializeToString(),
        "vocabulary.txt": ("\n".join(vocabulary) + "\n").encode(),
    }
    for name, content in files.items():
        (path / name).write_bytes(content)
    manifest = {
        "schema_version": 1,
        "tokenizer": {"vocabulary": "vocabulary.txt", "pad_id": 0, "start_id": 1, "oov_id": 2, **tokenizer},
        "input": {
            "name": "token_ids",
            "dtype": "int32",
            "maxlen": maxlen,
            "padding": "post",
            "truncating": "pre",
        },
        "output": {"name": "probability", "dtype": "float32"},
        "graphs": {"float32": {"file": "model.onnx", "input_shape": [None, maxlen], "metrics": {}}},
        "labels": ["negative", "positive"],
        "threshold": 0.5,
        "metrics": {},
        "recipe": {},
        "seed": 1,
        "libraries": {},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        **about,
    }
    (path / "manifest.json").write_text(json.dumps(manifest))
    return BundleFolder(path)


def key_of(ngram: Sequence[int]) -> int:
    """The key by which `service.inference.ngrams` knows an n-gram of the small bundle."""
    key = 0
    for token_id in ngram:
        key = key * NUM_WORDS + token_id
    return key


def as_npy(array: Any) -> bytes:
    """A NumPy file."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def write_ngram_bundle(models_dir: Path, gives_logit: bool = True) -> BundleFolder:
    """A small bundle whose graph takes texts of any length, and adds up the scores of n-grams as well."""
    bundle = write_small_bundle(models_dir, gives_logit=gives_logit)
    scores = [0.0] * 4 + [SCORES.get(word, 0.0) for word in WORDS[:-1]]
    graph = score_graph(scores, None, gives_logit=gives_logit, ngram_scores=[*NGRAM_SCORES.values()])
    bundle.replace_file("model.onnx", graph.SerializeToString())
    bundle.replace_file("ngrams.npy", as_npy(np.array([*map(key_of, NGRAM_SCORES)])))
    bundle.change_manifest(
        ngrams={"name": "ngram_ids", "file": "ngrams.npy", "max_order": 3},
        graphs={"float32": {"file": "model.onnx", "input_shape": [None, None], "metrics": {}}},
    )
    return bundle


@pytest.fixture
def with_ngrams(tmp_path: Path) -> BundleFolder:
    return write_ngram_bundle(tmp_path / "models")


@pytest.fixture
def small(tmp_path: Path) -> BundleFolder:
    return write_small_bundle(tmp_path / "models")


@pytest.fixture
def small_settings(small: BundleFolder) -> Settings:
    return Settings(
        models_dir=small.path.parents[1],
        model="small",
        max_text_chars=60,
        max_texts=5,
        max_body_bytes=500,
        repository_control=True,
        request_log=False,
    )


@pytest.fixture
def two_languages(tmp_path: Path) -> Settings:
    """Of a service with a model of English words and one of Korean characters, and small limits."""
    write_small_bundle(tmp_path / "both")
    write_korean_bundle(tmp_path / "both")
    return Settings(models_dir=tmp_path / "both", model="small", max_text_chars=60, request_log=False)


@pytest.fixture
def client(small_settings: Settings) -> Iterator[TestClient]:
    """The application over the small bundle, with small limits."""
    with TestClient(create_app(small_settings), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application over the bundles that this project ships, with feedback."""
    feedback_file = tmp_path_factory.mktemp("committed") / "feedback.db"
    settings = Settings(models_dir=MODELS_DIR, request_log=False, feedback_file=feedback_file)
    with TestClient(create_app(settings)) as client:
        yield client
