"""The steps that `/explain` and `/layers` share: read one text, wait for a turn, classify the text."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import Request

from service.api.answering import classify_texts
from service.api.request import read_json, select_model
from service.api.schemas import OneText
from service.api.state import state_of
from service.inference.predictor import Prediction, Predictor

Body = TypeVar("Body", bound=OneText)


@dataclass(frozen=True, slots=True)
class Inspected(Generic[Body]):
    """A text with its prediction.

    Attributes:
        body: the validated body of the request.
        predictor: the model that answers.
        prediction: the prediction of the text.
    """

    body: Body
    predictor: Predictor
    prediction: Prediction


@asynccontextmanager
async def inspected(request: Request, kind: type[Body]) -> AsyncIterator[Inspected[Body]]:
    """Read a request about one text, wait for its turn, and classify its text.

    Args:
        request: the request.
        kind: model of its body.

    Raises:
        RequestError: the request is not valid.
        UnavailableError: the service cannot answer now.
    """
    state = state_of(request)
    body = await read_json(request, kind)
    choice = select_model(request, body)
    state.classifier.validate_text(body.text)
    async with state.inspections.turn():
        [prediction] = await classify_texts(request, choice, [body.text])
        yield Inspected(body, choice.of(body.text), prediction)
