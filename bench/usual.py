"""The usual way: a FastAPI endpoint over the fixed-length graph, written as tutorials write it.

Same weights, same answers, same HTTP server; it pads every text to the model's length and runs it alone.
"""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from bench.usual_model import UsualModel


class Review(BaseModel):
    """The request."""

    text: str


def create_app() -> FastAPI:
    """The application; the environment says which bundle, and how many threads a run may use (0: as many as cores)."""
    model = UsualModel.from_environment()
    app = FastAPI()

    @app.post("/predict")
    def predict(review: Review) -> dict[str, Any]:
        return model.answers([review.text])[0]

    return app
