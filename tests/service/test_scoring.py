"""The callable for engines: a table in, the same table with its answers out."""

import pickle
from pathlib import Path

import pyarrow
import pytest
from fastapi.testclient import TestClient
from pyarrow import parquet

from service.errors import BundleError, InvalidRequestError
from service.scoring import FIELDS, Scorer
from service.settings import Settings, SettingsError
from tests.service.conftest import MODELS_DIR, BundleFolder

ADDED = ["label", "probability", "words", "known_words", "truncated", "error", "model"]


@pytest.fixture
def scorer(small: BundleFolder) -> Scorer:
    return Scorer(models_dir=small.path.parents[1], model="small", max_text_chars=60)


def test_rows_come_back_with_their_answers_and_bad_ones_with_their_errors(scorer: Scorer) -> None:
    table = pyarrow.table({"id": [1, 2, 3, 4, 5], "text": ["good", None, " ", "x" * 61, "bad film"]})
    answered = scorer(table)
    assert answered.schema.names == ["id", "text", *ADDED] == ["id", "text", *FIELDS]
    assert answered.select(["id", "text"]).equals(table)
    assert answered.slice(0, 1).drop(["id", "text"]).to_pylist() == [
        {"label": "positive", "probability": pytest.approx(0.8807971), "words": 1, "known_words": 1, "truncated": False}
        | {"error": None, "model": "small/1"}
    ]
    bad = answered.slice(1, 3).to_pylist()
    assert [row["error"].split(";")[0] for row in bad] == [
        "The text is missing.",
        "The text is blank",
        "The text has 61 characters",
    ]
    assert {row[name] for row in bad for name in ADDED if name != "error"} == {None}
    assert answered.column("label")[4].as_py() == "negative"


def test_probabilities_are_those_of_predict_to_the_last_digit(committed: TestClient, imdb_data_dir: Path) -> None:
    table = parquet.read_table(imdb_data_dir / "reviews.parquet", columns=["id", "text"]).slice(24_900, 200)
    scorer = Scorer(models_dir=MODELS_DIR)
    answers = scorer(table).to_pylist()
    for row in answers[::20]:
        alone = committed.post("/predict", json={"text": row["text"]}).json()
        assert float(alone["probability"]) == pytest.approx(row["probability"], abs=0, rel=1e-7)
        assert pyarrow.scalar(alone["probability"], pyarrow.float32()).as_py() == row["probability"]
        assert (alone["label"], alone["words"], alone["truncated"]) == (row["label"], row["words"], row["truncated"])
        assert "{name}/{version}".format(**alone["model"]) == row["model"]
    one_by_one = [scorer(table.slice(row, 1)).to_pylist()[0] for row in range(0, 200, 20)]
    assert one_by_one == answers[::20]


def test_names_that_clash_get_a_prefix_or_all_get_the_one_that_is_given(small: BundleFolder, scorer: Scorer) -> None:
    table = pyarrow.table({"text": ["good"], "label": [1], "error": [0]})
    assert scorer.schema(table.schema).names == [
        *("text", "label", "error", "model_label", "probability", "words", "known_words", "truncated"),
        *("model_error", "model"),
    ]
    prefixed = Scorer(prefix="s_", models_dir=small.path.parents[1], model="small")
    assert prefixed(table).schema.names[3:] == [f"s_{name}" for name in ADDED]
    with pytest.raises(InvalidRequestError, match=r"'model_label' already; .*: --prefix sentiment_$"):
        scorer(pyarrow.table({"text": ["good"], "label": [1], "model_label": [1]}))


def test_a_table_without_texts_is_refused(scorer: Scorer) -> None:
    with pytest.raises(InvalidRequestError, match="no column 'text'; it has review"):
        scorer(pyarrow.table({"review": ["good"]}))
    with pytest.raises(InvalidRequestError, match="holds int64, not strings"):
        scorer(pyarrow.table({"text": [1]}))


def test_tables_of_many_chunks_of_dictionaries_and_without_rows_are_answered(scorer: Scorer) -> None:
    text = pyarrow.chunked_array([["good"], [], ["bad", "good"]]).dictionary_encode()
    answered = scorer(pyarrow.table({"text": text}))
    assert answered.column("label").to_pylist() == ["positive", "negative", "positive"]
    assert answered.schema == scorer(pyarrow.table({"text": text}).slice(0, 0)).schema
    assert scorer(pyarrow.table({"text": pyarrow.array([], pyarrow.large_string())})).num_rows == 0


def test_it_takes_its_models_along_and_loads_them_once(small: BundleFolder, scorer: Scorer) -> None:
    written = pickle.dumps(scorer)
    small.path.rename(small.path.with_name("7"))
    first, second = pickle.loads(written), pickle.loads(written)  # noqa: S301 (written above)
    assert first(pyarrow.table({"text": ["good"]})).column("label").to_pylist() == ["positive"]
    assert first.models is second.models


def test_the_script_selects_the_model(two_languages: Settings) -> None:
    scorer = Scorer(models_dir=two_languages.models_dir, model="auto")
    answered = pickle.loads(pickle.dumps(scorer))(pyarrow.table({"text": ["good", "좋다"]}))  # noqa: S301
    assert answered.column("model").to_pylist() == ["small/1", "small-korean/1"]


def test_wrong_settings_are_refused_at_once(small: BundleFolder) -> None:
    with pytest.raises(BundleError, match="no version 9"):
        Scorer(models_dir=small.path.parents[1], model="small", model_version=9)
    with pytest.raises(SettingsError, match="precision"):
        Scorer(precision="int4")
