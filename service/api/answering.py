"""The step that all routes of predictions share: classify the texts of a request, and remember the answers."""

from collections.abc import Sequence

from starlette.requests import Request

from service.api.context import context_of
from service.api.state import state_of
from service.inference.predictor import Prediction
from service.models.model_choice import Choice


async def classify_texts(request: Request, choice: Choice, texts: Sequence[str]) -> list[Prediction]:
    """Classify the validated texts of a request, in order.

    Args:
        request: the request; its caller's quota counts the texts.
        choice: model of the texts.
        texts: all texts of the request.

    Raises:
        QuotaError: the caller has no room for them.
        UnavailableError: the service cannot answer now.
    """
    state, context = state_of(request), context_of(request.scope)
    context.take_texts(len(texts))
    predictions = await state.classifier.classify(choice, texts, context.urgency)
    if state.feedback:
        state.feedback.remember(context.request_id, choice, texts, predictions)
    return predictions
