"""The context of a request: what middleware, connection and route tell each other, in one typed object of the scope."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import Scope

from service.callers.caller import Caller
from service.inference.predictor import ModelName
from service.scheduler import Urgency

_KEY = "sentiment.context"


@dataclass(slots=True, eq=False)
class RequestContext:
    """The state of a request beside its ASGI scope.

    Attributes:
        request_id: of the answer and of the log line.
        headers: header fields by their names in small letters; of one that was sent twice the last.
        task: the task that answers; it is cancelled when the client leaves.
        deadline: the timer that cancels this task; None before the request is admitted.
        texts: number of validated texts, for the log line.
        caller: whoever has the key of the request; None where no key is needed.
        model: the model that answers; None where there is none, or each text has its own.
        errors_like: path in whose shape errors are answered, if not in that of the request's own.
    """

    request_id: str
    headers: Mapping[bytes, bytes]
    task: asyncio.Task[object] | None = None
    deadline: asyncio.TimerHandle | None = None
    texts: int = 0
    caller: Caller | None = None
    model: ModelName | None = None
    errors_like: str = ""

    @property
    def urgency(self) -> Urgency:
        """The lane of the texts."""
        return self.caller.urgency if self.caller else "normal"

    def take_texts(self, number: int) -> None:
        """Count the validated texts of the request, once, before they are computed.

        Raises:
            QuotaError: the caller has no room for them.
        """
        self.texts = number
        if self.caller:
            self.caller.take_texts(number)

    def lift_deadline(self) -> None:
        """Let the request take as long as it takes from now on."""
        if self.deadline:
            self.deadline.cancel()


def open_context(scope: Scope, request_id: str, headers: Mapping[bytes, bytes]) -> RequestContext:
    """Put a new context into the scope of a request."""
    context = scope[_KEY] = RequestContext(request_id, headers)
    return context


def context_of(scope: Scope) -> RequestContext:
    """Return the context of a request; `RequestMiddleware` has opened it for every route."""
    context: RequestContext = scope[_KEY]
    return context


def find_context(scope: Mapping[str, object]) -> RequestContext | None:
    """Return the context of a request that the application may not have begun with."""
    context = scope.get(_KEY)
    return context if isinstance(context, RequestContext) else None
