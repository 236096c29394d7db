"""Convert a Keras model to ONNX."""

import keras
import onnx
import tensorflow as tf
import tf2onnx

from training.graphs.describe import first_convolutions, has_filter_outputs
from training.graphs.filters import add_weights, filter_outputs
from training.graphs.writer import OPSET


def to_onnx(model: keras.Model, output_name: str) -> onnx.ModelProto:
    """Convert a model by tf2onnx, for any batch size; the activations of its first convolutions are further outputs.

    These outputs have the names of their layers; they cost nothing where they are not asked for. Of
    one with relu and a bias the input, kernel and bias are outputs as well (see `FilterOutputs`).

    Args:
        model: with one output; the graph's inputs have the names of its inputs.
        output_name: of the graph's output.
    """
    first = first_convolutions(model)
    shown = [layer for layer in first if has_filter_outputs(layer)]
    outputs = {layer.name: layer.output for layer in first}
    outputs |= {filter_outputs(layer.name).vectors: layer.input for layer in shown}
    whole = keras.Model(model.inputs, [model.outputs[0], *outputs.values()])
    names = [output_name, *outputs]
    specs = [tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in model.inputs]

    @tf.function(input_signature=specs)  # type: ignore[untyped-decorator]
    def graph(*batch: tf.Tensor) -> dict[str, tf.Tensor]:
        return dict(zip(names, tf.nest.flatten(whole(list(batch), training=False)), strict=True))

    proto: onnx.ModelProto = tf2onnx.convert.from_function(graph, input_signature=specs, opset=OPSET)[0]
    converted = {output.name: output for output in proto.graph.output}
    del proto.graph.output[:]
    proto.graph.output.extend(converted[name] for name in names)  # tf2onnx sorts them by name
    return add_weights(proto, shown)
