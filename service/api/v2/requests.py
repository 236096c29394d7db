"""What the protocol's requests look like."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

Int64 = Annotated[int, Field(ge=0, lt=2**63)]
OutputName = Literal["label", "probability", "words", "known_words", "truncated"]


def _refuse(value: object) -> object:
    if value:
        raise ValueError("this server does not have that; GET /v2 lists the extensions that it has")
    return value


Unsupported = Annotated[SkipJsonSchema[Any], AfterValidator(_refuse)]
_ROW = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1}
Elements = Annotated[
    list[Any], WithJsonSchema({"type": "array", "items": {"oneOf": [{"type": "string"}, _ROW]}, "minItems": 1})
]


class _Read(BaseModel):
    """As the protocol has it, parameters that are not known are passed over."""

    model_config = ConfigDict(strict=True, frozen=True)


class InputParameters(_Read):
    """How an input's data is sent."""

    binary_data_size: Int64 | None = Field(
        default=None, description="Its bytes after the JSON, which then has no `data`."
    )
    content_type: str | None = Field(default=None, description="`base64`: the elements are base64 of UTF-8.")
    shared_memory_region: Unsupported = None


class InputTensor(_Read):
    """The texts."""

    name: Literal["text"]
    datatype: Literal["BYTES"]
    shape: Annotated[
        list[Annotated[Int64, Field(ge=1)]], Field(min_length=1, max_length=2, description="[n] or [n, 1]")
    ]
    parameters: InputParameters | None = None
    data: Elements | None = Field(default=None, description="n strings, or n arrays of one string each.")


class OutputParameters(_Read):
    """How an output is wanted."""

    binary_data: bool | None = Field(default=None, description="After the JSON instead of in it.")
    classification: Unsupported = None
    shared_memory_region: Unsupported = None


class RequestedOutput(_Read):
    """An output that is wanted."""

    name: OutputName
    parameters: OutputParameters | None = None


class RequestParameters(_Read):
    """Of the request as a whole. Sequences and priorities mean nothing here; they are passed over."""

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
    """Which models are asked for."""

    ready: bool = Field(default=False, description="Only those that can answer.")


class RepositoryRequest(_Read):
    """Parameters of loading and unloading."""

    parameters: dict[str, Any] | None = None


def inline_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A request's JSON schema without references, which would lead nowhere from inside an OpenAPI document."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            node = {**definitions[node["$ref"].rpartition("/")[2]], **{k: v for k, v in node.items() if k != "$ref"}}
        return {key: resolved(value) for key, value in node.items()}

    return dict(resolved(schema))
