"""`POST /explain`: which words pushed the answer which way."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter

from service.api.asking import MODEL_PARAMETERS, ask, model_ref
from service.api.schemas import ExplainRequest, ExplainResponse
from service.errors import OverloadedError
from service.inference.explanation import Explaining, Explanation, Logits, explaining
from service.state import State, state_of

router = APIRouter(tags=["explain"])

_to_json = TypeAdapter(dict[str, Any]).dump_json

_OPENAPI = {
    "parameters": MODEL_PARAMETERS,
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": ExplainRequest.model_json_schema(),
                "examples": {
                    "one": {"summary": "One review", "value": {"text": "I loved every minute of it."}},
                    "words": {
                        "summary": "Words only, no phrases",
                        "value": {"text": "A waste of two hours.", "max_phrases": 0},
                    },
                },
            }
        },
    },
}


@router.post(
    "/explain",
    summary="What each word of a text does to the answer",
    response_model=ExplainResponse,
    openapi_extra=_OPENAPI,
)
async def explain(request: Request) -> Response:
    """The change of the logit when a word, or a phrase, is taken out: computed, not estimated, and the same each time.

    `logit` minus a word's `contribution` is the logit of what `/predict` says of the text without that word. The
    contributions do not add up to the difference between `logit` and `baseline`, since words say the same twice, or
    mean something only together; both numbers are given.

    Phrases are looked for among all pairs of neighbours and, around the twelve strongest of them, all runs of three to
    five words. A run is a phrase if it would lose something without its first word, and without its last.
    """
    asked, state = await ask(request, ExplainRequest), state_of(request)
    text, predictor = asked.wanted.text, asked.predictor
    limit = state.settings.max_explained_words
    steps = explaining(predictor, text, asked.prediction, asked.wanted.max_phrases, limit)
    explanation = await _computed(steps, Logits(predictor), state)
    answer = {**explanation.as_dict(text), "model": model_ref(predictor)}
    return Response(_to_json(answer), media_type="application/json")


async def _computed(steps: Explaining, logits: Logits, state: State) -> Explanation:
    """Has the scheduler compute, behind all small requests.

    Raises:
        OverloadedError: so much is waiting that it would take long. Explanations are refused before predictions are,
            and do not count among what these are refused for.
        TextTooLongError: the text has too many words.
    """
    rows = next(steps)
    while True:
        if state.scheduler.waiting and state.scheduler.waiting + len(rows) > state.settings.max_waiting_texts:
            raise OverloadedError(f"{state.scheduler.waiting:,} texts are waiting already; try again shortly.")
        computed = await state.scheduler.predict(logits, rows, bulk=True)
        try:
            rows = steps.send(computed)
        except StopIteration as done:
            explanation: Explanation = done.value
            return explanation
