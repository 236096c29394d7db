"""The recipes: every number that decides what a training run gives."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

LABELS = ("negative", "positive")
"""What the classes 0 and 1 are called."""


@dataclass(frozen=True)
class Recipe:
    """What every recipe says. With the fields of its kind of network, nothing else decides what comes out of a run."""

    data_set: ClassVar[str] = "imdb"
    """Key in `training.data_sets.DATA_SETS`."""

    name: str
    model_name: str  # folder of the bundle under models/
    model_version: int  # folder below that
    description: str  # one sentence, for GET /models

    # Text to token ids
    num_words: int  # ids at or above this become the out-of-vocabulary id
    maxlen: int  # ids that the network reads at most
    padding: Literal["pre", "post"]  # side on which short reviews get zeros
    truncating: Literal["pre", "post"]  # side on which long reviews lose ids

    # Data
    max_reviews: int | None  # of each split; None is all 25,000

    # Fitting
    learning_rate: float  # Adam's; its other constants stay at Keras's defaults
    epochs: int
    seed: int  # initial weights and the order of reviews

    # Answering
    threshold: float  # a probability at or above this is positive

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class CharactersRecipe(Recipe):
    """What every recipe for Korean reviews says beside that."""

    data_set: ClassVar[str] = "nsmc"

    lowercase: bool  # capital letters are read as small ones
    longest_run: int | None  # times that a character is read where it stands more often in a row


@dataclass(frozen=True)
class LectureRecipe(Recipe):
    """A row of convolutions and pools."""

    embedding_dim: int  # numbers per word vector
    block_filters: tuple[int, ...]  # filters of each block of convolutions
    convolutions_per_block: int
    kernel_size: int  # ids seen by one convolution step
    pool_size: int  # steps merged into one after each block

    batch_size: int
    validation: Literal["test"]  # what the curves are drawn on after each epoch


@dataclass(frozen=True)
class WideDeepRecipe(Recipe):
    """Convolutions side by side, and n-gram weights beside them."""

    validation_share: float  # of the training reviews, held out to choose how the paths are joined
    judged_crops: tuple[int, int]  # of each of these beside the whole: anywhere, and at its end

    # Negation
    negation_margin: float  # logit of the contrary that a negated word has at least; 0 is no rules of negation

    # Deep path
    embedding_dim: int  # numbers per word vector
    vector_window: int  # words around a word that its vector is to tell of, on either side
    kernel_sizes: tuple[int, ...]  # ids seen by one step of each convolution
    filters: int  # of each convolution
    vector_dropout: float  # share of the vectors' numbers left out in training
    feature_dropout: float  # share of the pools' answers left out in training
    word_dropout: float  # share of words unknown in training
    deep_crops: tuple[int, int]  # of a review in an epoch beside the whole: anywhere, and at its end
    deep_crop_words: tuple[int, int]  # in the shortest and in the longest of them
    ids_per_batch: int  # padding counted

    # Wide path
    max_order: int  # words in the longest n-grams
    min_reviews: int  # that an n-gram must be in
    max_ngrams: int  # of two and more words, that weights are kept of
    wide_crops: tuple[int, int]  # of a review: anywhere, and at its end
    wide_crop_words: tuple[int, int]  # in the shortest and in the longest of them
    review_strength: float  # inverse of the L2 penalty, of the weights for whole reviews
    crop_strength: float  # the same of the weights for crops
    crop_power: float  # that tempers the log-count ratios that these start from
    priors: tuple[float, ...]  # words that the language models' n-grams of each order count for beforehand


# The network, preprocessing and training of the lecture, unchanged. It has no regularisation and trains
# for 15 epochs with the test set as validation data: it over-fits, and the curves are there to show it.
LECTURE = LectureRecipe(
    name="lecture",
    model_name="imdb-conv1d",
    model_version=1,
    description="The lecture's Conv1D network as the lecture trains it: 500 words, 15 epochs, over-fitted.",
    num_words=500,
    maxlen=300,
    padding="post",
    truncating="pre",  # the default of pad_sequences: a long review keeps its last 300 ids
    max_reviews=None,
    embedding_dim=100,
    block_filters=(64, 128, 256),
    convolutions_per_block=2,
    kernel_size=5,
    pool_size=2,
    learning_rate=0.001,
    batch_size=32,
    epochs=15,
    validation="test",
    seed=113,  # Keras's own default for this data set
    threshold=0.5,
)

# Chosen on held-out training reviews: EXPERIMENTS.md says what else was tried.
TUNED = WideDeepRecipe(
    name="tuned",
    model_name="imdb-conv1d",
    model_version=2,
    description="Conv1D over words of three widths, the weights of 240,000 n-grams beside it, and rules of negation.",
    num_words=20_000,
    maxlen=1_000,
    padding="post",
    truncating="pre",
    max_reviews=None,
    learning_rate=0.002,
    epochs=5,
    seed=113,
    threshold=0.5,
    validation_share=0.2,
    judged_crops=(2, 2),
    negation_margin=2.0,
    embedding_dim=64,
    vector_window=5,
    kernel_sizes=(1, 2, 3),
    filters=96,
    vector_dropout=0.2,
    feature_dropout=0.5,
    word_dropout=0.1,
    deep_crops=(2, 1),
    deep_crop_words=(5, 100),
    ids_per_batch=16_384,
    max_order=3,
    min_reviews=2,
    max_ngrams=240_000,
    wide_crops=(40, 12),
    wide_crop_words=(5, 60),
    review_strength=1.0,
    crop_strength=0.05,
    crop_power=0.7,
    priors=(100, 30),
)


@dataclass(frozen=True)
class KoreanRecipe(WideDeepRecipe, CharactersRecipe):
    """Convolutions and n-gram weights over Korean characters."""


KOREAN = KoreanRecipe(
    name="korean",
    model_name="nsmc-conv1d",
    model_version=1,
    description="Conv1D over Korean characters of two widths, and the weights of 300,000 n-grams beside it.",
    num_words=2_000,
    maxlen=160,  # no review is longer
    padding="post",
    truncating="pre",
    max_reviews=None,
    learning_rate=0.002,
    epochs=5,
    seed=113,
    threshold=0.5,
    lowercase=True,
    longest_run=2,
    validation_share=0.1,
    judged_crops=(0, 0),
    negation_margin=0.0,
    embedding_dim=64,
    vector_window=5,
    kernel_sizes=(2, 3),
    filters=32,
    vector_dropout=0.1,
    feature_dropout=0.3,
    word_dropout=0.05,
    deep_crops=(0, 0),
    deep_crop_words=(5, 100),
    ids_per_batch=16_384,
    max_order=5,
    min_reviews=2,
    max_ngrams=300_000,
    wide_crops=(0, 0),
    wide_crop_words=(5, 60),
    review_strength=0.1,
    crop_strength=0.2,
    crop_power=0.7,
    priors=(1_000, 300, 150, 100),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (LECTURE, TUNED, KOREAN)}


def free_version(models_dir: Path, model_name: str) -> int:
    """One more than the highest version of a model in a models folder, 1 where there is none."""
    versions = [int(path.name) for path in models_dir.glob(f"{model_name}/*") if path.name.isdecimal()]
    return max(versions, default=0) + 1
