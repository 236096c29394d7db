"""The plain loop reads text by Keras's rules, as the service's tokenizer does."""

from pathlib import Path
from typing import cast

from bench.usual_model import UsualModel
from service.inference.bundle import open_bundle
from service.inference.tokenizers.keras_imdb import KerasImdbSpec, KerasImdbTokenizer

TEXTS = ["A film, at last!\n\tNot bad.", "good\x85bad but fine", "The BEST\u00a0film", "", "zyxwvut film"]


def test_the_plain_loop_gives_the_ids_of_keras() -> None:
    bundle = open_bundle(Path("models/imdb-conv1d/1"))
    spec = cast(KerasImdbSpec, bundle.manifest.tokenizer)
    expected = KerasImdbTokenizer(bundle.read_vocabulary(), spec).encode_as_keras(TEXTS)
    model = UsualModel(bundle, threads=1)
    assert [model.token_ids(text) for text in TEXTS] == [encoded.token_ids.tolist() for encoded in expected]
    assert len({tuple(model.token_ids(text)) for text in TEXTS}) == len(TEXTS)
