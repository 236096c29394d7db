"""`POST /explain`: the contributions of the words of a text to its answer."""

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from service.api.inspection import inspected
from service.api.openapi import documented, json_body
from service.api.request import MODEL_PARAMETERS
from service.api.responses import json_response, model_ref
from service.api.schemas import ExplainRequest, ExplainResponse
from service.api.state import State, state_of
from service.errors import OverloadedError
from service.explain.occlusion import Explaining, Explanation, Logits, TokenIds, explaining

_EXAMPLES = {
    "one": {"summary": "One review", "value": {"text": "I loved every minute of it."}},
    "words": {"summary": "Words only, no phrases", "value": {"text": "A waste of two hours.", "max_phrases": 0}},
}


@documented(
    "What each word of a text does to the answer",
    "explain",
    answer=ExplainResponse,
    parameters=MODEL_PARAMETERS,
    body=json_body(ExplainRequest.model_json_schema(), _EXAMPLES),
)
async def explain(request: Request) -> Response:
    """The change of the logit when a word, or a phrase, is taken out: computed, not estimated, and the same each time.

    `logit` minus a word's `contribution` is the logit of what `/predict` says of the text without that word. The
    contributions do not add up to the difference between `logit` and `baseline`, since words say the same twice, or
    mean something only together; both numbers are given.

    Phrases are looked for among all pairs of neighbours and, around the twelve strongest of them, all runs of three to
    five words. A run is a phrase if it would lose something without its first word, and without its last.
    """
    state = state_of(request)
    async with inspected(request, ExplainRequest) as one:
        text, predictor = one.body.text, one.predictor
        limit = state.settings.max_explained_words
        steps = explaining(predictor, text, one.prediction, one.body.max_phrases, limit)
        explanation = await _computed(steps, Logits(predictor), state)
        # Thousands of words: written on a thread, as all that is long.
        return await asyncio.to_thread(
            lambda: json_response(explanation.as_dict(text) | {"model": model_ref(predictor)})
        )


async def _computed(steps: Explaining, logits: Logits, state: State) -> Explanation:
    """Compute the steps through the scheduler, behind all small requests; a thread prepares them.

    Raises:
        OverloadedError: too many texts are waiting. Explanations are refused before predictions are, and do not
            count towards the backlog of these.
        TextTooLongError: the text has too many words.
    """
    answer = await asyncio.to_thread(_next_step, steps, None)
    while not isinstance(answer, Explanation):
        if state.scheduler.waiting and state.scheduler.waiting + len(answer) > state.settings.max_waiting_texts:
            raise OverloadedError(f"{state.scheduler.waiting:,} texts are waiting already; try again shortly.")
        computed = await state.scheduler.predict(logits, answer, "low")
        answer = await asyncio.to_thread(_next_step, steps, computed)
    return answer


def _next_step(steps: Explaining, computed: Sequence[float] | None) -> Sequence[TokenIds] | Explanation:
    """Return the rows to compute next, or the explanation."""
    try:
        return next(steps) if computed is None else steps.send(computed)
    except StopIteration as done:
        explanation: Explanation = done.value
        return explanation
