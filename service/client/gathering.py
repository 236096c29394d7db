"""Single predictions that are asked for at the same time, sent together."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.api.schemas import SingleResponse
from service.client import calls
from service.client.calls import REQUESTS_AHEAD, Call, ModelQuery, Result
from service.client.errors import ClientError, NotFoundError, RefusedError, UnauthorizedError


class Send(Protocol):
    """A function that sends a call."""

    def __call__(self, call: Call[Result]) -> Awaitable[Result]:
        """Send it until there is a result.

        Raises:
            ClientError: there is none.
        """


@dataclass(frozen=True)
class _Waiting:
    """A text, and the future of its prediction."""

    text: str
    future: "asyncio.Future[SingleResponse]"


class Gathering:
    """Collect the predictions that are asked for in one turn of the event loop, and send them in few requests.

    Args:
        send: sends a call.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: dict[ModelQuery, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(REQUESTS_AHEAD)

    async def predict(self, text: str, query: ModelQuery) -> SingleResponse:
        """Predict the sentiment of a text.

        Raises:
            TypeError: it is no text.
            ClientError: it has no answer.
        """
        calls.check_text(text)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(text, loop.create_future())
        if query not in self._waiting:
            self._waiting[query] = []
            loop.call_soon(self._send_waiting, query)  # after every task that is ready to ask now
        self._waiting[query].append(waiting)
        return await waiting.future

    async def close(self) -> None:
        """Cancel the predictions that have no answer yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send_waiting(self, query: ModelQuery) -> None:
        together = [waiting for waiting in self._waiting.pop(query) if not waiting.future.done()]
        first = 0
        for texts in calls.batches([waiting.text for waiting in together]):
            task = asyncio.create_task(self._answer(together[first : first + len(texts)], query))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            first += len(texts)

    async def _answer(self, together: Sequence[_Waiting], query: ModelQuery) -> None:
        try:
            if len(together) == 1:
                _resolve(together, [await self._send(calls.predict(together[0].text, query))])
                return
            async with self._slots:
                predictions = await self._send(calls.predict_together([waiting.text for waiting in together], query))
            _resolve(together, predictions)
        except (UnauthorizedError, NotFoundError) as error:
            _fail(together, error)
        except RefusedError as error:
            # One text is at fault, or they are more than this service takes: each alone gets an answer of its own.
            if len(together) == 1:
                _fail(together, error)
            else:
                await asyncio.gather(*(self._answer([waiting], query) for waiting in together))
        except ClientError as error:
            _fail(together, error)
        finally:
            for waiting in together:
                waiting.future.cancel()  # where this task was cancelled; no effect on those that are done


def _resolve(together: Sequence[_Waiting], predictions: Sequence[SingleResponse]) -> None:
    for waiting, prediction in zip(together, predictions, strict=True):
        if not waiting.future.done():  # its caller may have left
            waiting.future.set_result(prediction)


def _fail(together: Sequence[_Waiting], error: ClientError) -> None:
    for waiting in together:
        if not waiting.future.done():
            waiting.future.set_exception(error)
