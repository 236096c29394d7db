"""Conversion of inference requests to texts, and of predictions to answers."""

from collections.abc import Sequence
from typing import Any

from service.api.request import parse_json
from service.api.responses import to_json
from service.api.v2.requests import InferRequest, InputTensor, OutputName, RequestedOutput, RequestParameters
from service.api.v2.tensors import decode, pack, texts_of
from service.errors import InvalidRequestError, TooManyTextsError
from service.inference.predictor import Prediction

DATATYPES: dict[OutputName, str] = {
    "label": "BYTES",
    "probability": "FP32",
    "words": "INT32",
    "known_words": "INT32",
    "truncated": "BOOL",
}
"""Outputs, by the names that they have in `Prediction`."""

DEFAULT_OUTPUTS = (RequestedOutput(name="label"), RequestedOutput(name="probability"))
"""Outputs of the answer to a request that names none."""

_RAW_REQUEST = InferRequest(
    inputs=[InputTensor(name="text", datatype="BYTES", shape=[1, 1])],
    parameters=RequestParameters(binary_data_output=True),
)


def read_request(
    body: bytes, header_length: int | None, max_texts: int, max_values: int
) -> tuple[InferRequest, list[str]]:
    """Read a request and the texts of its tensor, which are not validated yet.

    Args:
        body: JSON, then the bytes of a binary tensor, if it is one.
        header_length: bytes of the JSON, None for all; 0 is a raw request: the body is one text and nothing else.
        max_texts: that a request may have.
        max_values: that its JSON may have.

    Raises:
        BrokenJsonError: the JSON cannot be parsed.
        InvalidRequestError: the shape, the sizes and the data of the request contradict each other.
        InvalidTextError: an element is not UTF-8.
        TooManyTextsError: the shape has more.
        BodyTooLargeError: the JSON has more values.
    """
    if header_length == 0:
        return _RAW_REQUEST, [decode(body, 0)]
    if header_length is None:
        header_length = len(body)
    elif header_length > len(body):
        raise InvalidRequestError(
            f"Inference-Header-Content-Length is {header_length:,}, but the body has {len(body):,} bytes."
        )
    request = parse_json(body[:header_length], InferRequest, max_values)
    _check(request, max_texts)
    return request, texts_of(request.inputs[0], body[header_length:])


def _check(request: InferRequest, max_texts: int) -> None:
    """Check the rules that the schema cannot express."""
    count, *rest = shape = request.inputs[0].shape
    if rest not in ([], [1]):
        raise InvalidRequestError(f"inputs/0/shape is {shape}; it should be [n] or [n, 1], for n texts.")
    if count > max_texts:
        raise TooManyTextsError(f"inputs/0/shape has {count:,} texts; one request may have {max_texts:,}.")
    names = [output.name for output in request.outputs or ()]
    if len(set(names)) < len(names):
        raise InvalidRequestError(f"outputs names one of them twice: {', '.join(names)}.")


def write_answer(
    request: InferRequest, name: str, version: int, predictions: Sequence[Prediction]
) -> tuple[bytes, int | None]:
    """Write the body of an answer.

    Args:
        request: selects the outputs and their encoding.
        name: name of the model that answered.
        version: version of the model that answered.
        predictions: one for each text.

    Returns:
        The body, and the length of the JSON at its beginning; None if no binary tensors follow.
    """
    all_binary = request.parameters is not None and request.parameters.binary_data_output
    outputs: list[dict[str, Any]] = []
    binary: list[bytes] = []
    for wanted in request.outputs or DEFAULT_OUTPUTS:
        values = [getattr(prediction, wanted.name) for prediction in predictions]
        datatype = DATATYPES[wanted.name]
        tensor: dict[str, Any] = {"name": wanted.name, "datatype": datatype, "shape": request.inputs[0].shape}
        as_binary = wanted.parameters.binary_data if wanted.parameters else None
        if as_binary or (as_binary is None and all_binary):
            packed = pack(datatype, values)
            tensor["parameters"] = {"binary_data_size": len(packed)}
            binary.append(packed)
        else:
            tensor["data"] = values
        outputs.append(tensor)
    answer = {"model_name": name, "model_version": str(version), "outputs": outputs}
    if request.id is not None:
        answer["id"] = request.id
    header = to_json(answer)
    return (b"".join((header, *binary)), len(header)) if binary else (header, None)
