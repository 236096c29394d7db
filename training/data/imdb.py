"""Read the Keras IMDB data set: 25,000 + 25,000 reviews as lists of word ranks, through Keras or from a folder.

Keras and pyarrow are imported where they are used, so that the recipes, which name this data set, load in no time.
"""

import json
import pickle
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from training.data.data_set import Split
from training.errors import DataError

REVIEWS_FILE = "imdb.npz"
WORD_INDEX_FILE = "imdb_word_index.json"
TEXTS_FILE = "reviews.parquet"
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def load_data(
    data_dir: Path | None,
    *,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> tuple[Split, Split]:
    """Return the data set as `keras.datasets.imdb.load_data` returns it, from Keras or from a folder.

    Args:
        data_dir: folder with `imdb.npz` and `imdb_word_index.json`; None lets Keras download and cache them.
        num_words: token ids at or above this become `oov_char`.
        skip_top: token ids below this become `oov_char`.
        maxlen: reviews of this many ids or more are left out.
        seed: order of the reviews.
        start_char: id put before each review; None for none.
        oov_char: id of words cut by `num_words` or `skip_top`; None drops them.
        index_from: added to each word's rank.

    Returns:
        `(x_train, y_train), (x_test, y_test)`.

    Raises:
        DataError: a file is missing, damaged or foreign, or `maxlen` leaves no review.
    """
    if data_dir is None:
        import keras

        with _keras_errors():
            return keras.datasets.imdb.load_data(  # type: ignore[no-any-return]
                num_words=num_words,
                skip_top=skip_top,
                maxlen=maxlen,
                seed=seed,
                start_char=start_char,
                oov_char=oov_char,
                index_from=index_from,
            )
    arrays = read_reviews(data_dir)
    orders = _orders(len(arrays["x_train"]), len(arrays["x_test"]), seed)
    splits = []
    for name, shuffled in zip(("train", "test"), orders, strict=True):
        ranks, labels = arrays[f"x_{name}"], arrays[f"y_{name}"]
        start = [] if start_char is None else [start_char]
        reviews = [start + [rank + index_from for rank in ranks[i]] for i in shuffled]
        kept = [i for i, review in enumerate(reviews) if not maxlen or len(review) < maxlen]
        if not kept:
            raise DataError(f"No {name} review is shorter than maxlen={maxlen}.")
        splits.append(([reviews[i] for i in kept], labels[shuffled][kept]))
    # Without num_words Keras takes the highest id as the bound, so the rarest word itself becomes oov_char.
    bound = num_words or max(max(review, default=0) for reviews, _ in splits for review in reviews)
    (train, y_train), (test, y_test) = splits
    return (_cut(train, skip_top, bound, oov_char), y_train), (_cut(test, skip_top, bound, oov_char), y_test)


def load_texts(data_dir: Path | None, *, seed: int = 113) -> tuple[list[str], list[str]] | None:
    """Return the raw text of the reviews, in the order of `load_data`'s: train and test; None where there is none.

    Keras has no raw text. A folder may hold it as `reviews.parquet`: columns `split` and `text`, rows in the
    order of `imdb.npz`.

    Raises:
        DataError: the file is damaged or foreign.
    """
    path = data_dir / TEXTS_FILE if data_dir else None
    if path is None or not path.is_file():
        return None
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(path, columns=["split", "text"]).to_pydict()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is damaged: {error}.") from error
    texts = {
        split: [text for text, its in zip(table["text"], table["split"], strict=True) if its == split]
        for split in ("train", "test")
    }
    train, test = _orders(len(texts["train"]), len(texts["test"]), seed)
    return [texts["train"][i] for i in train], [texts["test"][i] for i in test]


def load_word_index(data_dir: Path | None) -> dict[str, int]:
    """Return the rank of each word, 1 being the most frequent word; from Keras or from a folder.

    Raises:
        DataError: the file is missing, damaged or foreign.
    """
    if data_dir is None:
        import keras

        with _keras_errors():
            return keras.datasets.imdb.get_word_index()  # type: ignore[no-any-return]
    path = _existing(data_dir, WORD_INDEX_FILE)
    try:
        index = json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(f"{path} is damaged: {error}.") from error
    if not isinstance(index, dict) or not index:
        raise DataError(f"{path} is not a word index: it should be one JSON object of words and ranks.")
    if sorted(index.values(), key=repr) != sorted(range(1, len(index) + 1), key=repr):
        raise DataError(f"{path} is not a word index: its ranks are not 1 to {len(index)}, each once.")
    return index


def every_word(word_index: dict[str, int]) -> int:
    """Return the `num_words` that cuts no word; without it, `load_data` cuts the rarest, as Keras does."""
    return len(word_index) + 4


def read_reviews(data_dir: Path) -> dict[str, NDArray[Any]]:
    """Read the four arrays of `imdb.npz` as stored: word ranks without start id, labels 0 or 1.

    Raises:
        DataError: the file is missing, damaged, or not the IMDB data set that the word index belongs to.
    """
    path = _existing(data_dir, REVIEWS_FILE)
    highest = len(load_word_index(data_dir))
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in _ARRAYS if f"{name}.npy" not in archive.namelist()]
            arrays = {}
            for name in () if missing else _ARRAYS:
                with archive.open(f"{name}.npy") as stream:
                    arrays[name] = _read_array(stream)
    except Exception as error:  # zipfile, zlib, numpy and pickle have a dozen classes for a damaged file
        raise DataError(f"{path} is damaged: {error}.") from error
    if missing:
        raise DataError(f"{path} is not the IMDB data set: it has no {', '.join(missing)}.")
    for name in ("train", "test"):
        _check_split(path, name, arrays[f"x_{name}"], arrays[f"y_{name}"], highest)
    return arrays


@contextmanager
def _keras_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of the network, the file system or the arguments
        raise DataError(
            f"Keras gave no data set: {error} With the files at hand, --data-dir or IMDB_DATA_DIR names their folder."
        ) from error


def stored_positions(reviews: int, seed: int = 113) -> NDArray[np.int64]:
    """Return the position in the file of each training review that `load_data` gives, int64[reviews].

    In the file the reviews of one label are adjacent, and among them those of one film.

    Args:
        reviews: number of training reviews.
        seed: as in `load_data`.
    """
    return _orders(reviews, 0, seed)[0]


def _orders(train: int, test: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shuffle as Keras does: one generator for both splits, so the test order follows the training one."""
    generator = np.random.RandomState(seed)
    orders = np.arange(train), np.arange(test)
    for order in orders:
        generator.shuffle(order)
    return orders


class _ArrayUnpickler(pickle.Unpickler):
    """Read pickled numpy arrays of lists and refuse every other class: a data file must not run code."""

    def find_class(self, module: str, name: str) -> Any:
        if name in ("ndarray", "dtype") and module == "numpy":
            return getattr(np, name)
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return super().find_class("numpy._core.multiarray", name)
        raise pickle.UnpicklingError(f"it holds a {module}.{name}, which no data set needs")


def _read_array(stream: BinaryIO | Any) -> NDArray[Any]:
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(stream)
    if dtype.hasobject:
        array = _ArrayUnpickler(stream).load()
        if not isinstance(array, np.ndarray):
            raise ValueError(f"it holds a {type(array).__name__} where an array belongs")
        return array
    return np.frombuffer(stream.read(), dtype).reshape(shape)


def _check_split(path: Path, name: str, reviews: NDArray[Any], labels: NDArray[Any], highest: int) -> None:
    if reviews.ndim != 1 or reviews.size == 0 or reviews.shape != labels.shape:
        raise DataError(f"{path} is not the IMDB data set: {reviews.shape} {name} reviews, {labels.shape} labels.")
    if labels.dtype.kind not in "iu" or not set(np.unique(labels).tolist()) <= {0, 1}:
        raise DataError(f"{path} is not the IMDB data set: the {name} labels are not all 0 or 1.")
    for position, review in enumerate(reviews):
        if not isinstance(review, list) or not all(type(rank) is int for rank in review):
            raise DataError(f"{path} is not the IMDB data set: {name} review {position} is no list of ranks.")
        if review and not (min(review) >= 1 and max(review) <= highest):
            raise DataError(
                f"{path} does not belong to this word index: {name} review {position} has a rank outside "
                f"1 to {highest}."
            )


def _cut(reviews: list[list[int]], lowest: int, bound: int, oov_char: int | None) -> NDArray[np.object_]:
    if oov_char is None:
        cut = [[i for i in review if lowest <= i < bound] for review in reviews]
    else:
        cut = [[i if lowest <= i < bound else oov_char for i in review] for review in reviews]
    return np.array(cut, dtype="object")


def _existing(data_dir: Path, name: str) -> Path:
    path = data_dir / name
    if not path.is_file():
        raise DataError(f"{path} is missing: the data folder needs {REVIEWS_FILE} and {WORD_INDEX_FILE}.")
    return path
