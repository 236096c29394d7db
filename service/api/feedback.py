"""`POST /feedback`: the true label of a text; `GET /models/{name}/feedback`: how good the answers were by it."""

from time import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from service.api.answering import classify_texts
from service.api.context import context_of
from service.api.openapi import documented, json_body
from service.api.request import MODEL_PARAMETERS, read_json, select_model
from service.api.responses import json_response
from service.api.schemas import FeedbackRequest, FeedbackResponse, ModelFeedback
from service.api.state import State, state_of
from service.errors import FeedbackOffError, InvalidRequestError
from service.feedback.recorder import Judgement, Recorder, check_label
from service.feedback.store import StoredAnswer
from service.settings import ENV_PREFIX

_EXAMPLE = 'Send a JSON object such as {"request_id": "…", "label": "positive"}.'
_EXAMPLES = {
    "answered": {
        "summary": "The second text of a request",
        "value": {"request_id": "0f8c4a51", "position": 1, "label": "negative"},
    },
    "text": {"summary": "A text", "value": {"text": "I loved every minute of it.", "label": "positive"}},
}


@documented(
    "The true label of a text",
    "feedback",
    answer=FeedbackResponse,
    parameters=MODEL_PARAMETERS,
    body=json_body(FeedbackRequest.model_json_schema(), _EXAMPLES),
)
async def feedback(request: Request) -> Response:
    """Keep the true label of a text: of one that was answered, by the `X-Request-ID` of the answer, or of one that is
    sent here and answered now.

    Feedback on the same answer again takes the place of the earlier one. A request with several texts needs the
    `position` of the one that is meant. `/predict/batch` remembers nothing: send the text.
    """
    state = state_of(request)
    body = await read_json(request, FeedbackRequest, _EXAMPLE)
    recorder = _recorder(state)
    if "request_id" in body.model_fields_set:
        if {"model", "version"} & request.query_params.keys():
            raise InvalidRequestError("model and version go with text; the answer to request_id has its own.")
        kept = await recorder.judge(body.request_id, body.position, body.label)
        return _response(body.request_id, kept, body.label)
    choice = select_model(request, body)
    state.classifier.validate_text(body.text)
    predictor = choice.of(body.text)
    check_label(body.label, predictor.name, predictor.manifest.labels)
    [prediction] = await classify_texts(request, choice, [body.text])
    labels = predictor.manifest.labels
    said = prediction.label == labels[1]
    answer = StoredAnswer(predictor.name, labels, said, prediction.probability, int(time()), body.text)
    request_id = context_of(request.scope).request_id
    return _response(request_id, await recorder.judge_answer(request_id, answer, body.label), body.label)


@documented("How good the answers of a model were, by feedback", "feedback", answer=ModelFeedback)
async def figures(request: Request) -> JSONResponse:
    """Count the feedback that is kept, by version: accuracy with its interval, confusion, calibration error."""
    state = state_of(request)
    recorder = _recorder(state)
    name = request.path_params["name"]
    state.registry.versions(name)
    versions = [each.fields() for each in await recorder.refresh() if each.model.name == name]
    return JSONResponse({"name": name, "versions": versions})


def _recorder(state: State) -> Recorder:
    """Return the recorder.

    Raises:
        FeedbackOffError: there is none.
    """
    if state.feedback is None:
        raise FeedbackOffError(
            f"Feedback is not kept here; {ENV_PREFIX}FEEDBACK_FILE=feedback.db (or --feedback-file) turns it on."
        )
    return state.feedback


def _response(request_id: str, kept: Judgement, label: str) -> Response:
    answer = kept.answer
    said = answer.labels[answer.said]
    return json_response(
        {
            "request_id": request_id,
            "position": kept.position,
            "label": label,
            "prediction": {"label": said, "probability": answer.probability},
            "correct": said == label,
            "replaced": kept.replaced,
            "model": answer.model.fields(),
        }
    )
