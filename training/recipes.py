"""Define the recipes: a recipe holds every choice that decides what a training run gives.

A recipe names its data set (an object of `training.data`) and holds the numbers of its kind of network; `training.run`
has one branch for each kind. A new recipe is an object here and an entry in `RECIPES`.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from training.data.data_set import DataSet
from training.data.imdb_reviews import ImdbReviews
from training.data.nsmc_reviews import NsmcReviews
from training.errors import RecipeError

LABELS = ("negative", "positive")
"""Names of the classes 0 and 1."""


@dataclass(frozen=True)
class BundleRecipe:
    """Hold the choices that a bundle tells of."""

    model_name: str  # folder of the bundle under models/
    model_version: int  # folder below that
    description: str  # one sentence, for GET /models
    maxlen: int  # largest number of ids that the network reads
    padding: Literal["pre", "post"]  # side on which short texts get zeros
    truncating: Literal["pre", "post"]  # side on which long texts lose ids
    seed: int  # initial weights and the order of texts
    threshold: float  # a probability at or above this is positive

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Recipe(BundleRecipe):
    """Hold the choices that every recipe for a data set has."""

    name: str

    # Data
    data_set: DataSet
    max_reviews: int | None  # of each split; None takes all
    num_words: int  # ids at or above this become the out-of-vocabulary id

    # Fitting
    learning_rate: float  # Adam's; its other constants stay at Keras's defaults
    epochs: int

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON values: the name of the data set, and its choices among the others."""
        choices = super().as_dict()
        return {**choices, "data_set": self.data_set.name, **choices["data_set"]}


@dataclass(frozen=True)
class LectureRecipe(Recipe):
    """Hold the choices of the lecture's network: a row of convolutions and pools."""

    embedding_dim: int  # numbers per word vector
    block_filters: tuple[int, ...]  # filters of each block of convolutions
    convolutions_per_block: int
    kernel_size: int  # ids seen by one convolution step
    pool_size: int  # steps merged into one after each block

    batch_size: int
    validation: Literal["test"]  # what the curves are drawn on after each epoch


@dataclass(frozen=True)
class NetworkRecipe(Recipe):
    """Hold the choices of convolutions side by side and n-gram weights, trained together.

    Raises:
        RecipeError: a choice would be ignored.
    """

    validation_share: float  # of the training reviews, held out to judge the recipe

    # Convolutions
    embedding_dim: int  # numbers per word vector
    kernel_sizes: tuple[int, ...]  # ids seen by one step of each convolution
    filters: int  # of each convolution
    vector_dropout: float  # share of the vectors' numbers left out in training
    feature_dropout: float  # share of the pools' answers left out in training
    word_dropout: float  # share of words unknown in training
    ids_per_batch: int  # padding counted

    # N-grams
    max_order: int  # ids in the longest n-grams
    max_ngrams: int  # of two ids and more, that weights are learnt of
    ngram_dropout: float  # share of n-grams left out in training
    ngram_rate: float  # learning rate of their weights, of the others' rate
    crop_power: float  # that tempers the log-count ratios which regressions on parts of reviews start from

    # Models of n-grams that are joined with the network
    priors: tuple[float, ...]  # ids that the language models' n-grams of each order count for beforehand
    kept_ngrams: int  # of the network and of the models together

    def __post_init__(self) -> None:
        """Refuse what this network cannot follow."""
        if (self.padding, self.truncating) != ("post", "pre"):
            raise RecipeError(
                f"The recipe {self.name} has padding={self.padding!r} and truncating={self.truncating!r}; this network "
                "pads behind a text and reads its last ids: 'post' and 'pre'."
            )


@dataclass(frozen=True)
class TaughtRecipe(NetworkRecipe):
    """Hold the choices of a network taught by people and by other models, and joined with models of whole reviews."""

    # Texts and labels of an epoch
    deep_crops: tuple[int, int]  # of a review in an epoch beside the whole: anywhere, and at its end
    deep_crop_words: tuple[int, int]  # in the shortest and in the longest of them
    unlabelled_reviews: int  # without labels, drawn anew for each epoch
    review_weight: float  # of a labelled review in the loss; a sentence of the treebank counts for 1
    soft_review_weight: float  # the same of a review labelled by teachers
    crop_weight: float  # the same of a crop
    run_weight: float  # the same of a run of sentences or a clause labelled by the transformer
    phrase_weight: float  # the same of a phrase of the treebank
    word_weight: float  # the same of a word or a frequent n-gram labelled by the transformer
    variant_weight: float  # the same of a variant of a sentence of the treebank, labelled by the transformer
    sentence_copies: int  # times that a sentence of the treebank stands in an epoch
    neutral_share: float  # of the treebank's neutral phrases, drawn anew for each epoch
    short_epochs: int  # after the others, of short texts alone
    short_ids: int  # that a short text has at most
    short_rate: float  # learning rate at the beginning of the short epochs

    # Models of whole reviews
    min_reviews: int  # that an n-gram must be in
    wide_crops: tuple[int, int]  # of a review: anywhere, and at its end
    wide_crop_words: tuple[int, int]  # in the shortest and in the longest of them
    review_strength: float  # inverse of the L2 penalty, of the weights for whole reviews
    crop_strength: float  # the same of the weights for crops

    # Joining, the weight of each text
    joined_crops: tuple[int, int]  # of a held-out review: anywhere, and at its end
    joined_crop_words: tuple[int, int]  # in the shortest and in the longest of them
    joined_review_weight: float
    joined_crop_weight: float
    joined_run_weight: float  # of a run of sentences of a held-out review, whose target is the transformer's answer
    joined_sentence_weight: float  # of a development sentence of the treebank


@dataclass(frozen=True)
class RatedRecipe(NetworkRecipe):
    """Hold the choices of a network that learns from labels, ratings and a teacher, beside models of n-grams."""

    min_texts: int  # that an n-gram of the models must be in
    strengths: tuple[float, ...]  # inverse of the L2 penalty of each regression
    vector_window: int  # characters around one that its vector is to tell of, on either side
    teacher_share: float  # of the teacher's answer in a target; the label or the rating has the rest
    rated_weight: float  # of a review with a rating in the loss; a labelled one counts for 1; 0 leaves them out
    negative_weight: float  # factor of those whose target is negative
    positive_weight: float  # factor of the others


# The network, preprocessing and training of the lecture, unchanged. It has no regularisation and trains
# for 15 epochs with the test set as validation data: it over-fits, and the curves are there to show it.
LECTURE = LectureRecipe(
    name="lecture",
    model_name="imdb-conv1d",
    model_version=1,
    description="The lecture's Conv1D network as the lecture trains it: 500 words, 15 epochs, over-fitted.",
    data_set=ImdbReviews(),
    max_reviews=None,
    num_words=500,
    maxlen=300,
    padding="post",
    truncating="pre",  # the default of pad_sequences: a long review keeps its last 300 ids
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

# Chosen on held-out films and on the development sentences of the treebank: EXPERIMENTS.md says what else was tried.
TAUGHT = TaughtRecipe(
    name="taught",
    model_name="imdb-conv1d",
    model_version=3,
    description="Conv1D over words of four widths and 300,000 n-gram weights, taught by larger models.",
    data_set=ImdbReviews(),
    max_reviews=None,
    num_words=60_000,
    maxlen=1_000,
    padding="post",
    truncating="pre",
    learning_rate=0.002,
    epochs=4,
    seed=113,
    threshold=0.5,
    validation_share=0.2,
    embedding_dim=64,
    kernel_sizes=(1, 2, 3, 5),
    filters=96,
    vector_dropout=0.2,
    feature_dropout=0.5,
    word_dropout=0.1,
    deep_crops=(1, 1),
    deep_crop_words=(5, 100),
    ids_per_batch=16_384,
    max_order=3,
    min_reviews=2,
    max_ngrams=300_000,
    wide_crops=(20, 6),
    wide_crop_words=(5, 60),
    review_strength=1.0,
    crop_strength=0.05,
    crop_power=0.7,
    priors=(100, 30),
    unlabelled_reviews=25_000,
    review_weight=1.0,
    soft_review_weight=1.0,
    crop_weight=0.5,
    run_weight=1.0,
    phrase_weight=1.0,
    word_weight=0.3,
    variant_weight=1.0,
    sentence_copies=3,
    neutral_share=0.2,
    short_epochs=2,
    short_ids=64,
    short_rate=0.001,
    ngram_dropout=0.4,
    ngram_rate=0.1,
    kept_ngrams=272_000,
    joined_crops=(2, 1),
    joined_crop_words=(60, 250),
    joined_review_weight=3.0,
    joined_crop_weight=0.5,
    joined_run_weight=0.3,
    joined_sentence_weight=5.0,
)


# Chosen on held-out reviews: EXPERIMENTS.md says what else was tried.
KOREAN = RatedRecipe(
    name="korean",
    model_name="nsmc-conv1d",
    model_version=2,
    description="Conv1D over Korean characters of four widths and 425,000 n-gram weights, taught by larger models.",
    data_set=NsmcReviews(lowercase=True, longest_run=2),
    max_reviews=None,
    num_words=3_000,
    maxlen=160,  # no review is longer
    padding="post",
    truncating="pre",
    learning_rate=0.003,
    epochs=3,
    seed=113,
    threshold=0.5,
    validation_share=0.1,
    embedding_dim=64,
    vector_window=5,
    kernel_sizes=(1, 2, 3, 5),
    filters=96,
    vector_dropout=0.1,
    feature_dropout=0.2,
    word_dropout=0.03,
    ids_per_batch=16_384,
    max_order=5,
    max_ngrams=600_000,
    ngram_dropout=0.3,
    ngram_rate=0.25,
    crop_power=0.7,
    min_texts=3,
    strengths=(0.1, 0.03),
    priors=(60, 20, 20, 20),
    kept_ngrams=425_000,
    teacher_share=0.7,
    rated_weight=1.0,
    negative_weight=1.5,
    positive_weight=0.6,
)

# The same network on the corpus's own training reviews alone, as other published figures are.
KOREAN_STANDARD = replace(
    KOREAN,
    name="korean-standard",
    model_name="nsmc-standard",
    model_version=1,
    description="Conv1D over Korean characters and 425,000 n-gram weights, on the 150,000 reviews of NSMC.",
    teacher_share=0.0,
    rated_weight=0.0,
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (LECTURE, TAUGHT, KOREAN, KOREAN_STANDARD)}
"""By name."""


def data_sets() -> dict[str, DataSet]:
    """Return the data sets of all recipes by name, each as the first recipe that names it reads it."""
    return {recipe.data_set.name: recipe.data_set for recipe in reversed(RECIPES.values())}


def free_version(models_dir: Path, model_name: str) -> int:
    """Return one more than the highest version of a model in a models folder, 1 where there is none."""
    versions = [int(path.name) for path in models_dir.glob(f"{model_name}/*") if path.name.isdecimal()]
    return max(versions, default=0) + 1
