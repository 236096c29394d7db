"""`/ping` and `/invocations` of SageMaker and MLflow; the media type and the members distinguish the two.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html and
https://mlflow.org/docs/latest/deployment/deploy-model-locally.html
"""

import csv
import io
from collections.abc import Sequence
from itertools import islice
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from service.api.dialects.classification import classify
from service.api.headers import media_type
from service.api.openapi import Operation, documented, json_body
from service.api.request import MODEL_PARAMETERS, parse_json, read_content, select_model
from service.api.responses import json_response, to_json
from service.api.state import state_of
from service.errors import InvalidRequestError, InvalidTextError, MediaTypeError, ShuttingDownError

TAG = "SageMaker / MLflow"
_JSON, _CSV = "application/json", "text/csv"
_LINES = ("application/jsonlines", "application/x-ndjson", "application/jsonl")
_EXAMPLE_BODY = 'Send texts, such as {"inputs": ["A text."]}, JSON lines of {"text": …}, or CSV without a header.'


class Record(BaseModel):
    """A row with a text; further columns are ignored."""

    text: str


class Split(BaseModel):
    """A data frame as `to_dict(orient="split")` gives it; the texts are its column `text`, or its only one."""

    model_config = ConfigDict(extra="ignore")
    columns: list[str] = Field(min_length=1)
    data: list[list[Any]] = Field(min_length=1)

    def texts(self) -> list[Any]:
        """Select the texts.

        Raises:
            InvalidRequestError: no column, or not every row, has them.
        """
        if "text" not in self.columns and len(self.columns) > 1:
            raise InvalidRequestError(f"dataframe_split has no column text; it has {', '.join(self.columns):.100}.")
        place = self.columns.index("text") if "text" in self.columns else 0
        if short := [n for n, row in enumerate(self.data) if len(row) != len(self.columns)]:
            raise InvalidRequestError(f"Row {short[0]} of dataframe_split has not {len(self.columns)} values.")
        return [row[place] for row in self.data]


class Named(BaseModel):
    """Texts under the name of the input."""

    model_config = ConfigDict(extra="forbid")
    text: list[str] = Field(min_length=1)


class InvocationsRequest(BaseModel):
    """Texts, in one of the forms of MLflow or SageMaker's examples."""

    inputs: str | list[str | Record] | Named | None = None
    instances: list[str | Record] | None = None
    dataframe_records: list[Record] | None = None
    dataframe_split: Split | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = self.model_fields_set & set(type(self).model_fields)
        if len(given) != 1:
            raise ValueError("give one of inputs, instances, dataframe_records and dataframe_split")
        return self

    def texts(self) -> list[Any]:
        """Select the texts.

        Raises:
            InvalidRequestError: a data frame has none.
        """
        if self.dataframe_split:
            return self.dataframe_split.texts()
        if isinstance(self.inputs, Named):
            return list(self.inputs.text)
        items: str | Sequence[str | Record] = self.inputs or self.instances or self.dataframe_records or []
        items = [items] if isinstance(items, str) else items
        return [item.text if isinstance(item, Record) else item for item in items]


class InvocationsResponse(BaseModel):
    """The answers, in order."""

    predictions: list[dict[str, Any]]


@documented("Whether traffic may come", TAG)
async def ping(request: Request) -> Response:
    """200 without a body while it may, 503 while the service stops."""
    if state_of(request).lifecycle.draining:
        raise ShuttingDownError("The service is shutting down; what it has accepted is still answered.")
    return Response()


@documented(
    "Sentiment of texts in JSON, JSON lines or CSV",
    TAG,
    answer=InvocationsResponse,
    parameters=MODEL_PARAMETERS,
    body=json_body(
        InvocationsRequest.model_json_schema(),
        {"inputs": {"summary": "Two reviews", "value": {"inputs": ["A waste of two hours.", "The best film."]}}},
    ),
)
async def invocations(request: Request) -> Response:
    """JSON is answered in JSON, `application/jsonlines` in lines of JSON, `text/csv` (the text is the first field of
    each row, there is no header) in rows of label and probability.
    """
    given = media_type(request.headers.get("content-type", _JSON))
    form = given.name
    if form not in (_CSV, _JSON, *_LINES) or not given.is_unicode:
        raise MediaTypeError(
            f"The media type is {form or 'none'!r:.60}; /invocations reads application/json, application/jsonlines "
            "and text/csv, in UTF-8."
        )
    state = state_of(request)
    limit = state.settings.max_texts + 1  # one too many shows that there are too many
    texts = await read_content(
        request, lambda content: _texts(content, form, limit, state.max_json_values), _EXAMPLE_BODY
    )
    if not texts:
        raise InvalidRequestError("There is no text in the body.")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidTextError(f"{_locate(position)} is {text!r:.40}, which is no text.")
    predictions = await classify(request, select_model(request), texts, _locate)
    if form == _CSV:
        return Response("".join(f"{p.label},{p.probability}\n" for p in predictions), media_type=_CSV)
    if form in _LINES:
        return Response(b"".join(to_json(p.fields()) + b"\n" for p in predictions), media_type="application/jsonlines")
    return json_response({"predictions": [prediction.fields() for prediction in predictions]})


OPERATIONS = (Operation("GET", "/ping", ping), Operation("POST", "/invocations", invocations))


def _texts(content: bytes, form: str, limit: int, max_values: int) -> list[Any]:
    if form == _CSV:
        return _first_fields(content, limit)
    if form in _LINES:
        lines = islice(filter(bytes.strip, content.splitlines()), limit)
        return [parse_json(line, Record, max_values).text for line in lines]
    return parse_json(content, InvocationsRequest, max_values).texts()


def _first_fields(content: bytes, limit: int) -> list[str]:
    try:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        return [row[0] for row in islice(filter(None, rows), limit)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequestError(f"The body cannot be read as CSV in UTF-8: {error}.") from error


def _locate(position: int | None) -> str | None:
    return None if position is None else f"text {position + 1}"
