"""The schemas of requests and answers, with the descriptions and examples of the OpenAPI document."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from service.versions import JsonVersion

Text = Annotated[str, StringConstraints(strict=True)]


class ForModel(BaseModel):
    """The members of a request that select the model."""

    model: Annotated[
        Annotated[str, StringConstraints(strict=True, min_length=1)] | None,
        Field(description="Model; auto for the one that reads the text's script; without it the service's default."),
    ] = None
    version: Annotated[
        JsonVersion | None,
        Field(description="Its version, or a label such as stable; without it what the model's rollout serves."),
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
    texts: Annotated[list[Text], Field(min_length=1, description="Several reviews, answered in this order.")] = Field(
        default_factory=list
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        given = self.model_fields_set & {"text", "texts"}
        if len(given) != 1:
            raise ValueError("give either text or texts" + (", not both" if given else ""))
        return self


class ModelRef(BaseModel):
    """The model that answered."""

    name: str = Field(examples=["imdb-conv1d"])
    version: int = Field(examples=[1])


class PredictionBody(BaseModel):
    """The prediction for one text."""

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
    """A word of the text and its contribution."""

    word: str = Field(description="As it was sent.", examples=["loved"])
    start: int = Field(ge=0, description="Its first character. Characters are Unicode code points.", examples=[2])
    end: int = Field(ge=0, description="The character after its last.", examples=[7])
    contribution: float = Field(
        description="Logit of the text minus its logit without the word; 0 if the model does not read it."
    )
    known: bool = Field(description="Whether the model has a vector for it, or for any character of it.")
    used: bool = Field(description="Whether it is in the part of the text that the model reads; the rest is cut off.")


class PhraseBody(BaseModel):
    """Two to five words that follow each other, and their contribution together."""

    phrase: str = Field(description="As it was sent.", examples=["loved every minute"])
    start: int = Field(ge=0, description="The first character of its first word.", examples=[2])
    end: int = Field(ge=0, description="The character after its last word.", examples=[20])
    contribution: float = Field(description="Logit of the text minus its logit without all of these words.")


class ExplainResponse(BaseModel):
    """The prediction for a text, and the contributions of its words."""

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


class FilterRef(BaseModel):
    """A filter of a layer that sees token ids."""

    model_config = ConfigDict(extra="forbid")

    layer: str = Field(examples=["conv1_1"])
    number: int = Field(strict=True, ge=0, description="From 0.")


class LayersRequest(OneText):
    """A text to show in the network."""

    filter: FilterRef | None = Field(default=None, description="A filter to trace along the text.")


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
    """The input of the network."""

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


class FilterTraceBody(BaseModel):
    """A filter along the first 48 ids of the text, and the numbers that its activations come from.

    The activation at place i is relu(bias + sum of vectors[i + j] x weights[j] over the width).
    """

    layer: str
    number: int
    width: int = Field(description="Ids that the filter sees at each place.")
    first: int = Field(ge=0, description="Position of the first place in the padded sequence.")
    activations: list[float] = Field(description="One for each place.")
    weights: list[list[float]] | None = Field(description="[width, dimensions]; null if the bundle does not give them.")
    bias: float | None
    vectors: list[list[float]] | None = Field(description="Of the ids, [places + width - 1, dimensions].")


class LayersResponse(BaseModel):
    """The way of a text through the network."""

    prediction: PredictionBody
    tokens: list[TokenBody] = Field(description="In the order of the text.")
    sequence: SequenceBody
    layers: list[LayerBody] = Field(description="In the order of computation.")
    filters: list[FilterBody] = Field(description="The strongest of the layers that see token ids, at most eight.")
    filter: FilterTraceBody | None = Field(default=None, description="The filter that the request names, if it does.")
    model: ModelRef


class HealthResponse(BaseModel):
    """The state of a ready service, and its default model."""

    status: str = Field(examples=["ready"])
    model: ModelRef


class LiveResponse(BaseModel):
    """The state of a process that answers."""

    status: str = Field(examples=["live"])


class ModelResponse(BaseModel):
    """A loaded model version: its manifest, with measured quality."""

    name: str
    version: int
    default: bool = Field(description="Whether it answers most requests that name no model and no version.")
    version_labels: list[str] = Field(default=[], description="Labels of the version.", examples=[["stable"]])
    share: float = Field(
        default=0.0, ge=0, le=1, description="Share that it answers of its model's requests without a version."
    )
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
    feedback: bool = Field(default=False, description="Whether true labels are kept, by POST /feedback.")


class ShadowRuleBody(BaseModel):
    """The version that reads what another one has answered."""

    version: int | str = Field(examples=["next"])
    share: float = Field(description="Share of the answered texts that it should read.", examples=[0.1])


class RolloutResponse(BaseModel):
    """The rollout of a model, as the process that answers has it in force."""

    labels: dict[str, int] = Field(description="Version by label.", examples=[{"stable": 2, "next": 3}])
    serve: int | str | dict[str, float] | None = Field(
        description="As rollout.json says it; null for the highest version.", examples=[{"stable": 95, "next": 5}]
    )
    shadow: ShadowRuleBody | None = Field(description="The version that reads along; null for none.")
    shares: dict[str, float] = Field(
        description="Share of each version in the requests that name none.", examples=[{"2": 0.95, "3": 0.05}]
    )
    revision: str = Field(description="SHA-256 of the file that was read last; empty without a file.")
    refusal: str | None = Field(description="Why that file was refused: the one before it is in force.")
    missing: list[int] = Field(description="Versions that the file names and that could not be loaded.")
    processes: int = Field(ge=1, description="Processes of this service.")
    following: int = Field(ge=0, description="How many of them have read the same file.")


class ShadowResponse(BaseModel):
    """The comparison of a model's answers with those of its shadow, over all processes."""

    version: int | None = Field(description="The version that answers most requests, and is compared.", examples=[2])
    shadow_version: int | None = Field(description="The version that reads along.", examples=[3])
    share: float | None = Field(description="Share of the answered texts that the shadow should read.", examples=[0.1])
    texts: int | None = Field(description="Texts compared.")
    dropped: int | None = Field(description="Texts not compared for want of capacity, or because the shadow failed.")
    flips: int | None = Field(description="Texts to which the two versions gave different labels.")
    flip_share: float | None = Field(description="Their share of the texts compared.")
    flip_share_interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        description="Its 95 % interval (Wilson)."
    )
    mean_difference: float | None = Field(description="Mean difference of probability.")
    largest_difference: float | None = Field(description="Largest difference of probability.")
    seconds_per_text: float | None = Field(
        description="Mean time of a text in the version that answers: tokenization and inference, in like batches."
    )
    shadow_seconds_per_text: float | None = Field(description="The same of the shadow.")


class FeatureDrift(BaseModel):
    """The drift of one feature of the texts: their distribution now and among the held-out ones."""

    index: float | None = Field(description="Population stability index; null before there are enough texts.")
    bounds: list[float] = Field(description="Between the bins, rising; a bin includes its lower bound.")
    expected: list[float] = Field(description="Share of the held-out texts in each bin.")
    observed: list[float] | None = Field(description="Share of the texts now; null without any.")


class FeatureDrifts(BaseModel):
    """The drift of every feature."""

    probability: FeatureDrift = Field(description="Probability of the positive label.")
    length: FeatureDrift = Field(description="Token ids of the text before any cut.")
    known_words: FeatureDrift = Field(description="Share of its words that the model has a vector for.")
    label: FeatureDrift = Field(description="0 for the negative label, 1 for the positive one.")


class DriftReference(BaseModel):
    """The texts that a version is compared with."""

    source: str = Field(examples=["test split of imdb"])
    texts: int = Field(examples=[25_000])


class VersionDrift(BaseModel):
    """The drift of one version, over all processes."""

    version: int = Field(examples=[3])
    texts: int | None = Field(description="Texts of the sliding window: of about an hour, longer where few come.")
    since: str | None = Field(description="Begin of the window (ISO 8601).", examples=["2026-01-31T12:00:00+00:00"])
    reference: DriftReference | None = Field(description="null where the bundle has none.")
    features: FeatureDrifts | None = Field(description="null where the bundle has no reference.")
    reason: str | None = Field(description="Why there is no index; null where there is one.")


class DriftResponse(BaseModel):
    """The drift of a model's versions."""

    enough_texts: int = Field(description="Texts of a window from which on it is judged.", examples=[500])
    versions: list[VersionDrift] = Field(description="In rising order.")


class FeedbackRequest(ForModel):
    """The true label of a text: of one that was answered, by the id of the request, or of one that is sent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": ["request_id"], "properties": {"text": False, "model": False, "version": False}},
                {"required": ["text"], "properties": {"request_id": False, "position": False}},
            ],
            "examples": [{"text": "I loved every minute of it.", "label": "positive"}],
        },
    )

    label: Annotated[
        str, StringConstraints(strict=True, min_length=1, max_length=200), Field(description="A label of the model.")
    ]
    request_id: Annotated[
        str,
        StringConstraints(strict=True, pattern=r"^[\x21-\x7E]{1,128}$"),
        Field(description="X-Request-ID of the answer."),
    ] = ""
    position: Annotated[
        int | None,
        Field(strict=True, ge=0, lt=10**9, description="Place of the text among several of that request, from 0."),
    ] = None
    text: Annotated[Text, Field(description="The text, to be answered now.")] = ""

    @model_validator(mode="after")
    def _either(self) -> Self:
        given = self.model_fields_set
        if len(given & {"text", "request_id"}) != 1:
            raise ValueError("give either request_id or text" + (", not both" if "text" in given else ""))
        if "text" in given and "position" in given:
            raise ValueError("position goes with request_id; a text has none")
        if "request_id" in given and given & {"model", "version"}:
            raise ValueError("model and version go with text; the answer to request_id has its own")
        return self


class SaidBody(BaseModel):
    """The answer that feedback is about."""

    label: str = Field(examples=["positive"])
    probability: float = Field(ge=0, le=1, description="Probability that the text is positive.", examples=[0.973])


class FeedbackResponse(BaseModel):
    """Feedback that is kept."""

    request_id: str = Field(description="By which the feedback can be corrected: the last one counts.")
    position: int = Field(ge=0)
    label: str = Field(description="The true label.", examples=["positive"])
    prediction: SaidBody
    correct: bool = Field(description="Whether the answer was the true label.")
    replaced: bool = Field(description="Whether it takes the place of earlier feedback on the same answer.")
    model: ModelRef


class VersionFeedback(BaseModel):
    """The feedback on one version."""

    version: int = Field(examples=[3])
    texts: int = Field(ge=1, description="Texts whose true label is kept.")
    accuracy: float = Field(ge=0, le=1, description="Share of them that were answered with their label.")
    accuracy_interval: list[float] = Field(
        min_length=2, max_length=2, description="95 % interval of the accuracy, by Wilson.", examples=[[0.81, 0.93]]
    )
    labels: list[str] = Field(description="Negative and positive.", examples=[["negative", "positive"]])
    confusion: list[list[int]] = Field(
        description="Texts by their label (row) and that of the answer (column), in the order of `labels`.",
        examples=[[[40, 3], [5, 52]]],
    )
    calibration_error: float = Field(
        ge=0, le=1, description="Mean difference of probability and share of positives, in 15 bins."
    )
    since: str = Field(description="When the oldest of these labels came.", examples=["2026-01-31T12:00:00Z"])


class ModelFeedback(BaseModel):
    """The feedback on a model, which all processes have kept."""

    name: str = Field(examples=["imdb-conv1d"])
    versions: list[VersionFeedback] = Field(description="Those with feedback, in rising order.")


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
