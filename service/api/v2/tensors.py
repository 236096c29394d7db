"""The elements of tensors, in the JSON or as bytes after it.

Source: the Open Inference Protocol and Triton's binary tensor data extension. A BYTES element is its length as uint32
and its bytes, other types are their bytes, all little-endian, row by row. Text is UTF-8.
"""

import base64
import struct
from collections.abc import Sequence
from typing import Any

from service.api.v2.requests import InputParameters, InputTensor
from service.errors import InvalidRequestError, InvalidTextError

_FORMATS = {"FP32": "f", "INT32": "i", "BOOL": "?"}
_LENGTH = struct.Struct("<I")
_NO_PARAMETERS = InputParameters()


def pack(datatype: str, values: Sequence[Any]) -> bytes:
    """Encode values as the bytes of a tensor.

    Args:
        datatype: BYTES, FP32, INT32 or BOOL.
        values: values of that type; texts for BYTES.
    """
    if datatype == "BYTES":
        elements = [value.encode() for value in values]
        return b"".join(_LENGTH.pack(len(element)) + element for element in elements)
    return struct.pack(f"<{len(values)}{_FORMATS[datatype]}", *values)


def unpack_bytes(data: bytes, count: int) -> list[bytes]:
    """Split the bytes of a BYTES tensor into its elements.

    Raises:
        InvalidRequestError: it does not have `count` elements, or ends before or after the last of them.
    """
    elements = []
    start = 0
    for position in range(count):
        if len(data) - start < _LENGTH.size:
            raise InvalidRequestError(f"The binary data ends before element {position} of {count}.")
        length: int = _LENGTH.unpack_from(data, start)[0]
        start += _LENGTH.size
        if length > len(data) - start:
            raise InvalidRequestError(
                f"Element {position} of the binary data should have {length:,} bytes, but {len(data) - start:,} follow."
            )
        elements.append(data[start : start + length])
        start += length
    if start != len(data):
        raise InvalidRequestError(
            f"{len(data) - start:,} bytes follow the last of {count} elements of the binary data."
        )
    return elements


def texts_of(tensor: InputTensor, binary: bytes) -> list[str]:
    """Return the texts of a tensor.

    Args:
        tensor: tensor of the JSON.
        binary: bytes after the JSON.

    Raises:
        InvalidRequestError: its shape, its size and its data do not go together.
        InvalidTextError: an element is not UTF-8, or not the base64 that it should be.
    """
    parameters = tensor.parameters or _NO_PARAMETERS
    texts = _elements(tensor, parameters.binary_data_size, binary)
    if parameters.content_type == "base64":
        return [_decode_base64(text, position) for position, text in enumerate(texts)]
    return texts


def _elements(tensor: InputTensor, size: int | None, binary: bytes) -> list[str]:
    """Return the elements in the JSON, or, if `size` is given, those in the bytes after it."""
    if size is not None:
        if tensor.data is not None:
            raise InvalidRequestError("inputs/0 has both data and parameters/binary_data_size; give one of them.")
        if size != len(binary):
            raise InvalidRequestError(
                f"inputs/0/parameters/binary_data_size is {size:,}, but {len(binary):,} bytes follow the JSON "
                "(the header Inference-Header-Content-Length says where it ends)."
            )
        return [decode(element, i) for i, element in enumerate(unpack_bytes(binary, tensor.shape[0]))]
    if tensor.data is None:
        raise InvalidRequestError("inputs/0 has neither data nor parameters/binary_data_size.")
    if binary:
        raise InvalidRequestError(f"{len(binary):,} bytes follow the JSON, but no input has binary_data_size.")
    data: list[str] = []
    for element in tensor.data:
        if isinstance(element, str):
            data.append(element)
        elif len(tensor.shape) == 2 and len(element) == 1:
            data += element
        else:
            raise InvalidRequestError(
                "inputs/0/data: should be strings, for a shape of [n, 1] also arrays of one string each."
            )
    if len(data) != tensor.shape[0]:
        raise InvalidRequestError(f"inputs/0/data has {len(data):,} elements; its shape is {tensor.shape}.")
    return data


def decode(element: bytes, position: int) -> str:
    """Decode an element as text.

    Raises:
        InvalidTextError: it is not UTF-8.
    """
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        raise InvalidTextError(
            f"text[{position}] is not UTF-8: byte 0x{element[error.start]:02x} at position {error.start}."
        ) from error


def _decode_base64(text: str, position: int) -> str:
    try:
        element = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidTextError(f"text[{position}] is not base64, as its content_type says: {error}.") from error
    return decode(element, position)
