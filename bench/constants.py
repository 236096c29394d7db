"""The limits of HTTP in Python: two applications that read a request and answer a constant, without a model.

`bare` is an ASGI function on uvicorn, `create_fastapi` an endpoint of FastAPI that validates its body with pydantic.
"""

import json
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

BARE, FASTAPI = "constant, bare ASGI", "constant, FastAPI"
CONSTANTS = (BARE, FASTAPI)
"""Names of the two in the tables."""

ANSWER: dict[str, Any] = {
    "label": "negative", "probability": 0.008063761, "words": 5, "known_words": 5, "truncated": False,
    "model": {"name": "imdb-conv1d", "version": 3},
}  # fmt: skip

_BODY = json.dumps(ANSWER, separators=(",", ":")).encode()
_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(_BODY)).encode())]


class Review(BaseModel):
    """The request."""

    text: str


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as soon as the body is there, unread."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": _BODY})


def create_fastapi() -> FastAPI:
    """The application of FastAPI; its endpoint is a coroutine, the faster way for one that computes nothing."""
    app = FastAPI()

    @app.post("/predict")
    async def predict(review: Review) -> dict[str, Any]:  # noqa: ARG001 (validated, and no more)
        return ANSWER

    return app
