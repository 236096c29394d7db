"""The schemas of the protocol's requests."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.json_schema import SkipJsonSchema

from service.api.openapi import inline_references

Int64 = Annotated[int, Field(ge=0, lt=2**63)]
OutputName = Literal["label", "probability", "words", "known_words", "truncated"]


def _refuse(value: object) -> object:
    if value:
        raise ValueError("this server does not have that; GET /v2 lists the extensions that it has")
    return value


Unsupported = Annotated[SkipJsonSchema[Any], AfterValidator(_refuse)]
_ROW = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1}


def _one_message(data: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Replace the errors of all members of a union by one message."""
    try:
        return handler(data)
    except ValidationError:
        raise ValueError("should be strings, for a shape of [n, 1] also arrays of one string each") from None


Elements = Annotated[
    list[str] | list[list[str]],
    WrapValidator(_one_message),
    WithJsonSchema({"type": "array", "items": {"oneOf": [{"type": "string"}, _ROW]}, "minItems": 1}),
]


class _Read(BaseModel):
    """Base of the requests: unknown members are ignored, as the protocol demands."""

    model_config = ConfigDict(strict=True, frozen=True)


class InputParameters(_Read):
    """The encoding of the data of an input."""

    binary_data_size: Int64 | None = Field(
        default=None, description="Its bytes after the JSON, which then has no `data`."
    )
    content_type: str | None = Field(default=None, description="`base64`: the elements are base64 of UTF-8.")
    shared_memory_region: Unsupported = None


class InputTensor(_Read):
    """The input tensor, which holds the texts."""

    name: Literal["text"]
    datatype: Literal["BYTES"]
    shape: Annotated[
        list[Annotated[Int64, Field(ge=1)]], Field(min_length=1, max_length=2, description="[n] or [n, 1]")
    ]
    parameters: InputParameters | None = None
    data: Elements | None = Field(default=None, description="n strings, or n arrays of one string each.")


class OutputParameters(_Read):
    """The encoding of an output."""

    binary_data: bool | None = Field(default=None, description="After the JSON instead of in it.")
    classification: Unsupported = None
    shared_memory_region: Unsupported = None


class RequestedOutput(_Read):
    """An output that the request selects."""

    name: OutputName
    parameters: OutputParameters | None = None


class RequestParameters(_Read):
    """Parameters of the whole request. Sequences and priorities are ignored."""

    binary_data_output: bool = Field(default=False, description="`binary_data` of each output that does not say.")
    timeout: Int64 | None = Field(
        default=None, description="Microseconds within which an answer is of use; 0 is any time."
    )


class InferRequest(_Read):
    """An inference request."""

    id: str | None = Field(default=None, description="Comes back in the answer.")
    parameters: RequestParameters | None = None
    inputs: Annotated[list[InputTensor], Field(min_length=1, max_length=1)]
    outputs: list[RequestedOutput] | None = Field(default=None, description="Without any: `label` and `probability`.")


class IndexRequest(_Read):
    """The filter of the index of models."""

    ready: bool = Field(default=False, description="Only those that can answer.")


class RepositoryRequest(_Read):
    """Parameters of loading and unloading."""

    parameters: dict[str, Any] | None = None


def inline_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Make a request's JSON schema without references, which would lead nowhere from inside an OpenAPI document."""
    return inline_references(model.model_json_schema())
