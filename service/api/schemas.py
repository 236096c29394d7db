"""What crosses the wire, with the words and examples of the OpenAPI document."""

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text = Annotated[str, StringConstraints(strict=True)]


class PredictRequest(BaseModel):
    """One text, or a list of them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": ["text"]}, {"required": ["texts"]}],
            "examples": [{"text": "I loved every minute of it."}],
        },
    )

    text: Annotated[Text, Field(description="One review, in English.")] = ""
    texts: Annotated[list[Text], Field(min_length=1, description="Several reviews, answered in this order.")] = []

    @model_validator(mode="after")
    def _either(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("give either text or texts" + (", not both" if self.model_fields_set else ""))
        return self


class ModelRef(BaseModel):
    """Which model answered."""

    name: str = Field(examples=["imdb-conv1d"])
    version: int = Field(examples=[1])


class PredictionBody(BaseModel):
    """What the model says of one text."""

    label: str = Field(description="The more probable label.", examples=["positive"])
    probability: float = Field(ge=0, le=1, description="Probability that the text is positive.", examples=[0.973])
    words: int = Field(ge=0, description="Words that the text has.", examples=[6])
    known_words: int = Field(ge=0, description="How many of them the model has a vector for.", examples=[6])
    truncated: bool = Field(description="Whether words were cut: the model reads a limited number.")


class SingleResponse(PredictionBody):
    """The answer to `text`."""

    model: ModelRef


class ManyResponse(BaseModel):
    """The answer to `texts`, in their order."""

    predictions: list[PredictionBody]
    model: ModelRef


class HealthResponse(BaseModel):
    """Whether the service is ready, and with which model."""

    status: str = Field(examples=["ready"])
    model: ModelRef


class LiveResponse(BaseModel):
    """That the process answers."""

    status: str = Field(examples=["live"])


class ModelResponse(BaseModel):
    """A loaded model version: its manifest, with measured quality."""

    name: str
    version: int
    default: bool = Field(description="Whether it answers requests that name no version.")
    description: str
    precision: str = Field(description="Which of the bundle's graphs computes.", examples=["float32"])
    precision_metrics: dict[str, Any] = Field(description="What that graph measured on the test set.")
    labels: tuple[str, str]
    threshold: float
    maxlen: int = Field(description="Token ids that the model reads at most.")
    num_words: int = Field(description="Size of its vocabulary, special ids included.")
    metrics: dict[str, Any] = Field(description="Measured quality in float32.")
    recipe: dict[str, Any]


class ModelsResponse(BaseModel):
    """Every model version that is loaded."""

    models: list[ModelResponse]


class ProblemBody(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["/problems/blank-text"])
    title: str
    status: int
    detail: str
    pointer: str | None = Field(default=None, description="Where in the body, as a JSON pointer.")


class ProblemKind(BaseModel):
    """An entry of the table of problems."""

    type: str = Field(examples=["/problems/blank-text"])
    title: str
    status: int
