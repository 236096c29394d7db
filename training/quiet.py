"""Import TensorFlow without its notes on devices and instructions that it did or did not find."""

import os


def import_tensorflow() -> None:
    """Import TensorFlow and look for devices, with what its C++ code writes to standard error going nowhere.

    It writes some of it before it reads `TF_CPP_MIN_LOG_LEVEL`. Exceptions of the import are raised as always.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for what comes later
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
