"""Which model a request asks, by its query, by its body, or not at all; and what that says of one text."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Request

from service.api.body import check_json_media_type, parse, read_body
from service.api.schemas import ForModel, OneText
from service.choice import Choice
from service.errors import InvalidRequestError
from service.inference.languages import AUTO
from service.inference.predictor import Prediction, Predictor, check_text
from service.state import state_of

MODEL_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "model",
        "in": "query",
        "description": f"Model; {AUTO} for the one that reads the text's script; without it the service's default.",
        "schema": {"type": "string", "minLength": 1},
    },
    {
        "name": "version",
        "in": "query",
        "description": "Its version; without it the default.",
        "schema": {"type": "integer", "minimum": 1},
    },
]
"""Of the query, for the document."""

_NOT_GIVEN = ForModel()

Value = TypeVar("Value")
Wanted = TypeVar("Wanted", bound=OneText)


@dataclass(frozen=True, slots=True)
class Asked(Generic[Wanted]):
    """A request about one text.

    Attributes:
        wanted: its body.
        predictor: of the model that answers.
        prediction: what that says of the text.
    """

    wanted: Wanted
    predictor: Predictor
    prediction: Prediction


async def ask(request: Request, kind: type[Wanted]) -> Asked[Wanted]:
    """Reads a request of this kind, and has its text judged.

    Raises:
        ServiceError: of the kind that says what is wrong with it, or that the service cannot answer now.
    """
    state = state_of(request)
    check_json_media_type(request)
    wanted = parse(await read_body(request, state.settings), kind)
    choice = asked_choice(request, wanted)
    check_text(wanted.text, state.settings.max_text_chars, "/text")
    predictor = choice.of(wanted.text)
    request.scope["texts"] = 1
    [prediction] = await state.scheduler.predict(predictor, [wanted.text])
    return Asked(wanted, predictor, prediction)


def asked_choice(request: Request, body: ForModel = _NOT_GIVEN) -> Choice:
    """What is to answer.

    Raises:
        InvalidRequestError, ModelNotFoundError: there is no such thing.
    """
    name, version = body.model, body.version
    if request.scope["query_string"]:
        query = request.query_params
        name = _either("model", query.get("model"), name)
        version = _either("version", _number(query.get("version")), version)
    return state_of(request).registry.choice(name, version)


def model_ref(predictor: Predictor) -> dict[str, Any]:
    """A predictor as the fields of `ModelRef`."""
    return predictor.name.fields()


def _either(field: str, in_query: Value | None, in_body: Value | None) -> Value | None:
    if in_query is not None and in_body is not None and in_query != in_body:
        raise InvalidRequestError(f"{field} is {in_query!r} in the query and {in_body!r} in the body.", f"/{field}")
    return in_body if in_query is None else in_query


def _number(value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) < 10 and int(value)):
        raise InvalidRequestError(f"version is {value!r}; it should be a number from 1 on.")
    return int(value)
