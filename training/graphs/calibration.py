"""Choose the training texts that calibrate a network in 8 bits."""

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from training.graphs.float32 import Floats, Network, float32_form
from training.graphs.int8 import batches, quantized_form
from training.graphs.writer import INPUT, OUTPUT

DRAWS, DRAW_SIZE, JUDGES = 10, 1_000, 4_000
"""Sets of calibration texts that are tried, texts in each set, and texts that the graphs are measured on."""


def best_quantized_form(network: Network, training_token_ids: NDArray[np.int32]) -> onnx.ModelProto:
    """Write a network in 8 bits with several sets of calibration texts and return the best graph.

    Which texts happen to hold the largest peaks changes the error by half. So each set makes a graph, and the one
    closest to the exact graph on other training texts is kept. Only texts near the threshold count, where a small error
    changes the label.

    Args:
        network: trained.
        training_token_ids: post-padded training texts int32[n, maxlen], in no order of any meaning.
    """
    form = float32_form(network)
    judges = min(JUDGES, len(training_token_ids) // 2)
    held_out, rest = training_token_ids[:judges], training_token_ids[judges:]
    starts = range(0, len(rest) - DRAW_SIZE + 1, DRAW_SIZE)[:DRAWS] or range(1)
    forms = [quantized_form(network, rest[start : start + DRAW_SIZE]) for start in starts]
    exact = _logits(form, held_out)
    near = np.abs(exact) < 4
    if not near.any():
        near[:] = True
    errors = [float(np.square(_logits(candidate, held_out) - exact)[near].mean()) for candidate in forms]
    return forms[int(np.argmin(errors))]


def _logits(form: onnx.ModelProto, token_ids: NDArray[np.int32]) -> Floats:
    session = onnxruntime.InferenceSession(form.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = [session.run([OUTPUT], {INPUT: batch})[0] for batch in batches([token_ids])]
    probabilities = np.clip(np.concatenate(outputs).astype(np.float64), 1e-7, 1 - 1e-7)
    logits: Floats = np.log(probabilities / (1 - probabilities))
    return logits
