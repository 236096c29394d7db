"""Make a run repeatable."""

import keras
import tensorflow as tf


def make_repeatable(seed: int) -> None:
    """Seed Python, numpy and TensorFlow and ask for deterministic kernels: same seed, same weights."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
