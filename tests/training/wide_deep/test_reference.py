"""The reference graph holds its tables in whole steps and answers as Keras does."""

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.training.conftest import TINY_NETWORK
from tests.training.wide_deep.conftest import Whole, texts_of_every_length
from training.errors import ExportError
from training.graphs.convert import to_onnx
from training.graphs.writer import OUTPUT
from training.wide_deep.batches import padded
from training.wide_deep.form import WideDeep, read_network
from training.wide_deep.reference import with_tables_in_steps


@pytest.fixture(scope="module")
def network(whole: Whole) -> WideDeep:
    return read_network(whole.model, TINY_NETWORK.maxlen)


def test_it_answers_as_keras_and_holds_no_table_in_float(whole: Whole, network: WideDeep) -> None:
    graph = with_tables_in_steps(to_onnx(whole.model, OUTPUT), network)
    held = {tuple(constant.dims): constant.data_type for constant in graph.graph.initializer}
    assert held[network.vectors.shape] == onnx.TensorProto.UINT8
    assert held[network.table.shape] == onnx.TensorProto.INT16
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    texts = padded(texts_of_every_length())
    answers = session.run([OUTPUT], {"token_ids": texts, "ngram_ids": whole.table.look_up(texts)})[0]
    np.testing.assert_allclose(np.ravel(answers), whole.answers(texts), rtol=0, atol=2e-6)


def test_a_graph_of_another_network_is_refused(whole: Whole, network: WideDeep) -> None:
    other = WideDeep(**{**vars(network), "vectors": network.vectors[1:]})
    with pytest.raises(ExportError, match="does not look up one table"):
        with_tables_in_steps(to_onnx(whole.model, OUTPUT), other)
