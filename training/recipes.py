"""The recipes: every number that decides what a training run gives."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

LABELS = ("negative", "positive")
"""What the classes 0 and 1 are called."""


@dataclass(frozen=True)
class Recipe:
    """All choices of one training run; nothing else decides what comes out of it."""

    name: str
    model_name: str  # folder of the bundle under models/
    model_version: int  # folder below that
    description: str  # one sentence, for GET /models

    # Text to token ids
    num_words: int  # ids at or above this become the out-of-vocabulary id
    maxlen: int  # every review is padded or cut to this many ids
    padding: Literal["pre", "post"]  # side on which short reviews get zeros
    truncating: Literal["pre", "post"]  # side on which long reviews lose ids

    # Data
    max_reviews: int | None  # of each split; None is all 25,000

    # Network
    embedding_dim: int  # numbers per word vector
    block_filters: tuple[int, ...]  # filters of each block of convolutions
    convolutions_per_block: int
    kernel_size: int  # ids seen by one convolution step
    pool_size: int  # steps merged into one after each block

    # Fitting
    learning_rate: float  # Adam's; its other constants stay at Keras's defaults
    batch_size: int
    epochs: int
    validation: Literal["test"]  # what the curves are drawn on after each epoch
    seed: int  # initial weights and the order of reviews

    # Answering
    threshold: float  # a probability at or above this is positive

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON values."""
        return {**asdict(self), "block_filters": list(self.block_filters)}


# The network, preprocessing and training of the lecture, unchanged. It has no regularisation and trains
# for 15 epochs with the test set as validation data: it over-fits, and the curves are there to show it.
LECTURE = Recipe(
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

RECIPES = {recipe.name: recipe for recipe in (LECTURE,)}


def free_version(models_dir: Path, model_name: str) -> int:
    """One more than the highest version of a model in a models folder, 1 where there is none."""
    versions = [int(path.name) for path in models_dir.glob(f"{model_name}/*") if path.name.isdecimal()]
    return max(versions, default=0) + 1
