"""Text Embeddings Inference of Hugging Face: `inputs` at `POST /predict`, and `GET /info`.

Source: https://huggingface.github.io/text-embeddings-inference/ (its OpenAPI document) and the types of its router.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import Response

from service import __version__
from service.api.context import context_of
from service.api.dialects.classification import RawScores, classify
from service.api.dialects.hugging_face import LabelScore, label_scores
from service.api.openapi import Operation, documented
from service.api.request import MODEL_PARAMETERS, parse_json, select_model
from service.api.responses import json_response
from service.api.state import state_of
from service.errors import InvalidRequestError

INFO_PATH = "/info"


class TeiRequest(BaseModel):
    """A text, or a list of lists of one text each; `truncate` and other members are passed over, as texts are always
    cut to what the model reads.
    """

    inputs: str | list[str] | list[list[str]] = Field(description="A text, or several: [[text], [text]].")
    raw_scores: RawScores = Field(default=False, description="There are probabilities alone.")

    def texts(self) -> list[str]:
        """Return the texts.

        Raises:
            InvalidRequestError: there is none, or a pair of texts, which this model does not compare.
        """
        if isinstance(self.inputs, str):
            return [self.inputs]
        texts: list[str] = []
        batch: list[Any] = self.inputs if self.batched else [self.inputs]
        for position, each in enumerate(batch):
            if len(each) != 1:
                raise InvalidRequestError(
                    f"{_locate(position) if self.batched else 'inputs'} has {len(each)} texts and should have one "
                    '(pairs are for models that compare two); send several as [["A text."], ["Another one."]].'
                )
            texts += each
        return texts

    @property
    def batched(self) -> bool:
        """Tell whether the answer is a list for each text."""
        return isinstance(self.inputs, list) and bool(self.inputs) and isinstance(self.inputs[0], list)


TeiAnswer = list[LabelScore] | list[list[LabelScore]]
"""Both labels of the text, the most probable first; of several texts for each such a list."""

EXAMPLE = {"inputs": [["I like you."], ["I hate pineapples"]]}


class TeiError(BaseModel):
    """An error."""

    error: str
    error_type: Literal["Validation", "Overloaded", "Backend"]


class TeiInfo(BaseModel):
    """The default model and the limits."""

    model_id: str
    model_sha: str | None
    model_dtype: str
    model_type: dict[Literal["classifier"], dict[Literal["id2label", "label2id"], dict[str, Any]]]
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_batch_requests: int | None
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str
    sha: str | None
    docker_label: str | None


_to_json = TypeAdapter(list[Any]).dump_json


def parse(request: Request, content: bytes, max_values: int) -> TeiRequest | None:
    """Parse a body that is no `PredictRequest`; None if it is none of these either.

    Raises:
        InvalidRequestError: it is one, but does not fit; from here on the errors of the request have TEI's shape.
    """
    members = from_json(content)
    if not isinstance(members, dict) or "inputs" not in members or {"text", "texts"} & members.keys():
        return None
    context_of(request.scope).errors_like = INFO_PATH
    return parse_json(content, TeiRequest, max_values)


async def predict(request: Request, body: TeiRequest) -> Response:
    """Answer a request."""
    texts, choice = body.texts(), select_model(request)
    predictions = await classify(request, choice, texts, _locate if body.batched else _only)
    scores = [label_scores(choice, text, each) for text, each in zip(texts, predictions, strict=True)]
    return Response(_to_json(scores if body.batched else scores[0]), media_type="application/json")


@documented(
    "The model and the limits",
    "Text Embeddings Inference",
    answer=TeiInfo,
    error=TeiError,
    parameters=MODEL_PARAMETERS,
)
async def info(request: Request) -> Response:
    """Describe the default model and the limits, for clients that then send `inputs` to `/predict`."""
    settings, model = state_of(request).settings, select_model(request).default
    manifest = model.manifest
    labels = manifest.labels
    about = TeiInfo(
        model_id=manifest.name,
        model_sha=str(manifest.version),
        model_dtype=model.precision,
        model_type={
            "classifier": {
                "id2label": {str(number): label for number, label in enumerate(labels)},
                "label2id": {label: number for number, label in enumerate(labels)},
            }
        },
        max_concurrent_requests=settings.max_requests,
        max_input_length=manifest.input.maxlen,
        max_batch_tokens=manifest.input.maxlen * settings.max_texts,
        max_batch_requests=None,
        max_client_batch_size=settings.max_texts,
        auto_truncate=True,
        tokenization_workers=1,
        version=__version__,
        sha=None,
        docker_label=None,
    )
    return json_response(about.model_dump())


OPERATIONS = (Operation("GET", INFO_PATH, info),)


def _locate(position: int | None) -> str | None:
    return None if position is None else f"inputs[{position}]"


def _only(_: int | None) -> str:
    return "inputs"
