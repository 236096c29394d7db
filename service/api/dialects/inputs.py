"""`input`, the request that vLLM and infinity share, and the errors of both."""

from collections.abc import Sequence

from pydantic import BaseModel, Field
from starlette.requests import Request

from service.api.dialects.classification import RawScores, classify, read_object
from service.api.request import choose_model
from service.inference.predictor import Prediction
from service.models.model_choice import Choice

_NO_MODEL = "default/not-specified"
"""The name that infinity's client sends for no model."""


class ClassifyRequest(BaseModel):
    """One text or several; further members are passed over."""

    input: str | list[str] = Field(description="A text, or several.")
    model: str | None = Field(default=None, description="Name of the model; without it the service's default.")
    raw_scores: RawScores | None = Field(
        default=None,
        description="Of infinity, whose clients get its form of the answer; there are probabilities alone.",
    )

    @property
    def name(self) -> str | None:
        """Return the name of the model, if it has one."""
        return None if self.model == _NO_MODEL else self.model

    def texts(self) -> list[str]:
        """Return the texts."""
        return [self.input] if isinstance(self.input, str) else self.input


class ErrorMessage(BaseModel):
    """Message, type and status of an error."""

    message: str
    type: str
    code: int


class OpenAIError(BaseModel):
    """An error."""

    error: ErrorMessage


EXAMPLE = {"model": "imdb-conv1d", "input": ["A waste of two hours.", "The best film of the year."]}


async def classify_inputs(request: Request) -> tuple[ClassifyRequest, Choice, Sequence[Prediction]]:
    """Read a request and classify its texts.

    Raises:
        RequestError: it is not valid.
        UnavailableError: the service cannot answer now.
    """
    body = await read_object(request, ClassifyRequest, 'Send a request such as {"input": "A text."}.')
    choice = choose_model(request, body.name)
    return body, choice, await classify(request, choice, body.texts(), _locate)


def _locate(position: int | None) -> str | None:
    return None if position is None else f"input[{position}]"
