"""The steps that all dialects share: read the body, whatever its media type, and classify its texts."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Strict, WithJsonSchema
from starlette.requests import Request

from service.api.answering import classify_texts
from service.api.request import parse_json, read_content
from service.api.state import state_of
from service.classifier import Locate
from service.errors import RequestError
from service.inference.predictor import Prediction
from service.models.model_choice import Choice

Body = TypeVar("Body", bound=BaseModel)


def _only_probabilities(raw: bool) -> bool:
    if raw:
        raise ValueError("there are probabilities alone; leave it out or send false")
    return raw


RawScores = Annotated[
    bool, Strict(), AfterValidator(_only_probabilities), WithJsonSchema({"type": "boolean", "const": False})
]
"""The flag for scores in place of probabilities, which can only be false."""


async def read_object(request: Request, model: type[Body], example: str) -> Body:
    """Read a JSON body of any media type: `curl -d` and some clients of these interfaces send another one.

    Args:
        request: the request.
        model: pydantic model of the body.
        example: advice for a request without a body.

    Raises:
        RequestError: the body does not fit the model.
    """
    max_values = state_of(request).max_json_values
    return await read_content(request, lambda content: parse_json(content, model, max_values), example)


async def classify(request: Request, choice: Choice, texts: Sequence[str], locate: Locate) -> list[Prediction]:
    """Validate and classify texts.

    Args:
        request: the request, for its context.
        choice: model of the texts.
        texts: texts of the request.
        locate: returns the place of a text, for the error.

    Raises:
        RequestError: a text is not valid; the message names it, as these interfaces have no pointer.
        QuotaError: the caller has no room for them.
        UnavailableError: the service cannot answer now.
    """
    try:
        await state_of(request).classifier.validate(texts, locate)
    except RequestError as error:
        raise type(error)(f"{error.pointer}: {error}" if error.pointer else str(error), error.pointer) from error
    return await classify_texts(request, choice, texts)
