"""What crosses the wire, with the words and examples of the OpenAPI document."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Text = Annotated[str, StringConstraints(strict=True)]


class ForModel(BaseModel):
    """A request that a model is asked."""

    model: Annotated[
        Annotated[str, StringConstraints(strict=True, min_length=1)] | None,
        Field(description="Model; auto for the one that reads the text's script; without it the service's default."),
    ] = None
    version: Annotated[
        Annotated[int, Field(strict=True, ge=1, lt=10**9)] | None,
        Field(description="Its version; without it the default."),
    ] = None


class PredictRequest(ForModel):
    """One text, or a list of them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [{"required": ["text"]}, {"required": ["texts"]}],
            "examples": [{"text": "I loved every minute of it."}],
        },
    )

    text: Annotated[Text, Field(description="One review, in the language of the model.")] = ""
    texts: Annotated[list[Text], Field(min_length=1, description="Several reviews, answered in this order.")] = []

    @model_validator(mode="after")
    def _either(self) -> Self:
        given = self.model_fields_set & {"text", "texts"}
        if len(given) != 1:
            raise ValueError("give either text or texts" + (", not both" if given else ""))
        return self


class ModelRef(BaseModel):
    """Which model answered."""

    name: str = Field(examples=["imdb-conv1d"])
    version: int = Field(examples=[1])


class PredictionBody(BaseModel):
    """What the model says of one text."""

    label: str = Field(description="The more probable label.", examples=["positive"])
    probability: float = Field(ge=0, le=1, description="Probability that the text is positive.", examples=[0.973])
    words: int = Field(
        ge=0,
        description="Words that the text has; for a model that reads characters, these without white space.",
        examples=[6],
    )
    known_words: int = Field(ge=0, description="How many of them the model has a vector for.", examples=[6])
    truncated: bool = Field(description="Whether words were cut: the model reads a limited number.")


class SingleResponse(PredictionBody):
    """The answer to `text`."""

    model: ModelRef


class OneOfMany(PredictionBody):
    """The answer to one of several texts."""

    model: ModelRef | None = Field(default=None, description="Which one it was, where each text has its own.")


class ManyResponse(BaseModel):
    """The answer to `texts`, in their order."""

    predictions: list[OneOfMany]
    model: ModelRef | None = Field(description="null where several models have answered.")


class OneText(ForModel):
    """A request about one text."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": "I loved every minute of it."}]})

    text: Annotated[Text, Field(description="One review, in the language of the model.")]


class ExplainRequest(OneText):
    """A text to be explained."""

    max_phrases: Annotated[
        int,
        Field(
            strict=True, ge=0, le=100, description="Phrases wanted at most; without any it takes a third of the time."
        ),
    ] = 10


class WordBody(BaseModel):
    """A word of the text, and what it does."""

    word: str = Field(description="As it was sent.", examples=["loved"])
    start: int = Field(ge=0, description="Its first character. Characters are Unicode code points.", examples=[2])
    end: int = Field(ge=0, description="The character after its last.", examples=[7])
    contribution: float = Field(
        description="Logit of the text minus its logit without the word; 0 if the model does not read it."
    )
    known: bool = Field(description="Whether the model has a vector for it, or for any character of it.")
    used: bool = Field(description="Whether it is in the part of the text that the model reads; the rest is cut off.")


class PhraseBody(BaseModel):
    """Two to five words that follow each other, and what they do together."""

    phrase: str = Field(description="As it was sent.", examples=["loved every minute"])
    start: int = Field(ge=0, description="The first character of its first word.", examples=[2])
    end: int = Field(ge=0, description="The character after its last word.", examples=[20])
    contribution: float = Field(description="Logit of the text minus its logit without all of these words.")


class ExplainResponse(BaseModel):
    """A text's prediction, and which words pushed it which way."""

    prediction: PredictionBody
    logit: float = Field(description="log(p / (1 - p)) of the text.")
    baseline: float = Field(description="The same of a text without words.")
    difference: float = Field(description="logit - baseline.")
    contribution_sum: float = Field(description="Sum of the words' contributions; in general not the difference.")
    logit_from: Literal["graph", "probability"] = Field(
        description="graph: the model gives it. probability: it is computed from the float32 probability, so it is "
        "coarse beyond 10 either way and none is beyond 16.6."
    )
    words: list[WordBody] = Field(description="Every word of the text, in order.")
    phrases: list[PhraseBody] = Field(description="The strongest first; they do not overlap.")
    model: ModelRef


class LayersRequest(OneText):
    """A text whose way through the network is asked for."""


class TokenBody(BaseModel):
    """A token id of the text, or a word that has none."""

    word: str | None = Field(
        description="The word, or the character, as it was sent; null for the id that begins every text, empty for "
        "that of the blank before a word of characters.",
        examples=["loved"],
    )
    id: int | None = Field(description="null for a word that the tokenizer passes over.", examples=[447])
    known: bool = Field(description="Whether the model has a vector for it.")
    position: int | None = Field(description="In the padded sequence, from 0; null if it is not there.", examples=[2])


class SequenceBody(BaseModel):
    """What the network is given."""

    length: int = Field(description="Positions, padding included.", examples=[300])
    used: int = Field(ge=0, description="Positions that hold ids of the text.")
    padding: Literal["pre", "post"] = Field(description="Side that is padded.")
    cut: int = Field(ge=0, description="Ids of the text that did not fit.")


class LayerBody(BaseModel):
    """A layer of the network."""

    name: str = Field(examples=["conv1_1"])
    kind: str = Field(examples=["Conv1D"])
    output_shape: list[int] = Field(description="Of most layers [positions, channels].", examples=[[296, 64]])
    parameters: int
    kernel_size: int | None = Field(description="Neighbours that one step of a convolution sees.", examples=[5])


class FilterBody(BaseModel):
    """A filter that sees token ids, and the run of them that excites it most."""

    layer: str
    filter: int = Field(ge=0)
    position: int = Field(ge=0, description="Of the run's first id in the padded sequence.")
    words: list[str | None] = Field(description="Of the run, as they were sent; null for an id that is no word.")
    activation: float = Field(gt=0)


class LayersResponse(BaseModel):
    """A text's way through the network."""

    prediction: PredictionBody
    tokens: list[TokenBody] = Field(description="In the order of the text.")
    sequence: SequenceBody
    layers: list[LayerBody] = Field(description="In the order of computation.")
    filters: list[FilterBody] = Field(description="The strongest of the layers that see token ids, at most eight.")
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
    language: str = Field(description="Of the reviews that it learned from (ISO 639-1).", examples=["en"])
    counts: Literal["words", "characters"] = Field(description="What it reads, and `words` in its answers counts.")
    precision: str = Field(description="Which of the bundle's graphs computes.", examples=["float32"])
    precision_metrics: dict[str, Any] = Field(description="What that graph measured on the test set.")
    labels: tuple[str, str]
    threshold: float
    maxlen: int = Field(description="Token ids that the model reads at most.")
    layers: bool = Field(description="Whether POST /layers can tell of it.")
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
