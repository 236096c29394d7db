"""The Korean reviews from a folder: what is read, what is refused, and the vocabulary made of them."""

import json
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.inference.tokenizers.characters import CharacterTokenizer
from tests.training.conftest import TINY
from training.data import nsmc
from training.data.characters import character_vocabulary, characters_spec
from training.data.nsmc import PUBLISHED, Published, read_reviews
from training.data.nsmc_reviews import NsmcReviews
from training.errors import DataError
from training.run import train

TRAIN = 'id\tdocument\tlabel\n7\t영화 "재미"\t1\n8\t\t0\n9\tㅋㅋㅋㅋ Good\t1\n'
TEST = "id\tdocument\tlabel\n1\t없다\t0\n"


def write(folder: Path, train: bytes = TRAIN.encode(), test: bytes = TEST.encode()) -> dict[str, Published]:
    """A folder with such files; what they would be published as if they were good."""
    for name, content in (("ratings_train.txt", train), ("ratings_test.txt", test)):
        (folder / name).write_bytes(content)
    return {
        "train": Published("ratings_train.txt", 3, sha256(TRAIN.encode()).hexdigest()),
        "test": Published("ratings_test.txt", 1, sha256(TEST.encode()).hexdigest()),
    }


def test_reviews_come_as_they_are_written_also_the_empty_ones(tmp_path: Path) -> None:
    train, test = read_reviews(tmp_path, write(tmp_path))
    assert train.texts == ['영화 "재미"', "", "ㅋㅋㅋㅋ Good"]
    assert train.labels.tolist() == [1, 0, 1]
    assert train.labels.dtype == np.int64
    assert (test.texts, test.labels.tolist()) == (["없다"], [0])


def test_the_real_reviews_are_all_there(nsmc_data_dir: Path) -> None:
    train, test = read_reviews(nsmc_data_dir)
    assert [(len(split.texts), int((split.labels == 0).sum())) for split in (train, test)] == [
        (150_000, 75_173),
        (50_000, 24_827),
    ]
    assert sum(not text for split in (train, test) for text in split.texts) == 8
    assert max(len(text) for split in (train, test) for text in split.texts) == 158


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "first line is ''"),
        (b"<html>\n", "first line is '<html>'"),
        (TRAIN.replace("\n", "\r\n").encode(), "first line is 'id\\tdocument\\tlabel\\r'"),
        (TRAIN.encode("cp949"), "is not UTF-8"),
        (TRAIN.encode()[:35], "line 2 has 2 fields"),
        (TRAIN.replace("Good", "Go\tod").encode(), "line 4 has 4 fields"),
        (TRAIN.replace("\t0\n", "\t2\n").encode(), "the label in line 3 is '2'"),
        (TRAIN.replace("8\t\t0\n", "").encode(), "it has 2 reviews of 3"),
        (TRAIN.replace("Good", "good").encode(), "the SHA-256 differs"),
        (TRAIN[:-1].encode(), "the SHA-256 differs"),
    ],
)
def test_other_files_are_refused_with_what_is_wrong(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        read_reviews(tmp_path, write(tmp_path, train=content))
    assert str(tmp_path / "ratings_train.txt") in str(refusal.value)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    published = write(tmp_path)
    (tmp_path / "ratings_test.txt").unlink()
    with pytest.raises(DataError, match=r"ratings_test\.txt cannot be read \(No such file"):
        read_reviews(tmp_path, published)


def test_without_a_folder_the_variable_is_named() -> None:
    with pytest.raises(DataError, match=r"NSMC_DATA_DIR names the one with ratings_train\.txt and ratings_test\.txt"):
        read_reviews(None)


def test_files_in_the_shape_of_the_published_ones_are_not_taken_for_them(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(DataError, match="it has 3 reviews of 150,000"):
        read_reviews(tmp_path, PUBLISHED)


def test_the_vocabulary_is_the_characters_by_frequency_as_the_tokenizer_reads_them() -> None:
    texts = ["ㅋㅋㅋㅋㅋ 가나", "가 나 Aa", "하\u1102", ""]
    assert character_vocabulary(texts, 1, lowercase=False, longest_run=None) == [
        " ",
        "ㅋ",
        "가",
        "나",
        "A",
        "a",
        "ᄂ",
        "하",
    ]
    assert "".join(character_vocabulary(texts, 1, lowercase=True, longest_run=1)) == " 가나aᄂㅋ하"
    assert "".join(character_vocabulary(texts, 2, lowercase=True, longest_run=None)) == " ㅋa가나"


def test_every_character_of_the_vocabulary_is_counted_as_often_as_its_id_comes(nsmc_data_dir: Path) -> None:
    train, _ = read_reviews(nsmc_data_dir)
    texts = train.texts[:20_000]
    vocabulary = character_vocabulary(texts, 5, lowercase=True, longest_run=3)
    spec = characters_spec(len(vocabulary) + 3, lowercase=True, longest_run=3)
    encoded = CharacterTokenizer(vocabulary, spec).encode(texts)
    counts = Counter(token_id for text in encoded for token_id in text.token_ids.tolist())
    of_ranks = [counts[token_id] for token_id in range(3, len(vocabulary) + 3)]
    assert of_ranks == sorted(of_ranks, reverse=True)
    assert min(of_ranks) >= 5
    assert counts[2] < 5 * len(vocabulary)


TINY_KOREAN = replace(
    TINY,
    name="tiny-korean",
    model_name="tiny-korean",
    data_set=NsmcReviews(lowercase=True, longest_run=2),
    num_words=12,
    truncating="post",
)


def test_a_recipe_over_characters_makes_a_bundle_that_reads_korean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(3)
    words = ["좋다", "나쁘다", "영화", "ㅋㅋㅋㅋ", "Good", "\u1112\u1161\u11ab", ""]
    for name, rows in (("train", 60), ("test", 40)):
        lines = [f"{i}\t{' '.join(random.choice(words, 6))}\t{i % 2}\n" for i in range(rows)]
        (tmp_path / f"ratings_{name}.txt").write_text("id\tdocument\tlabel\n" + "".join(lines))
    published = {
        name: Published(
            f"ratings_{name}.txt", rows, sha256((tmp_path / f"ratings_{name}.txt").read_bytes()).hexdigest()
        )
        for name, rows in (("train", 60), ("test", 40))
    }
    monkeypatch.setattr(nsmc, "read_reviews", partial(read_reviews, published=published))
    outcome = train(TINY_KOREAN, tmp_path, tmp_path / "run", tmp_path / "models", resume=False)
    bundle = open_bundle(outcome.bundle)
    manifest = bundle.manifest
    assert (manifest.language, manifest.tokenizer.name, manifest.tokenizer.num_words) == ("ko", "characters", 12)
    assert manifest.graphs["float32"].metrics["reviews"] == 40
    assert bundle.read_vocabulary()[0] == " "
    assert len(bundle.read_vocabulary()) == 9
    predictor = Predictor.load(bundle, "float32")
    [composed] = predictor.predict(["한 영화"])
    [decomposed] = predictor.predict([unicodedata.normalize("NFD", "한 영화")])
    assert composed == decomposed
    assert composed.words == 3
    assert json.loads((outcome.report / "data.json").read_text())["reviews"] == {"train": 60, "test": 40}
