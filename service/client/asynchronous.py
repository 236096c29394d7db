"""`AsyncClient`: `Client` for asyncio."""

import asyncio
from asyncio import sleep
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from service.api.schemas import (
    ExplainResponse,
    FeedbackResponse,
    HealthResponse,
    ModelResponse,
    OneOfMany,
    ProblemBody,
    SingleResponse,
)
from service.client import calls
from service.client.calls import REQUESTS_AHEAD, Call, FileSummary, ModelQuery, Result
from service.client.chunks import FileOptions
from service.client.errors import ClientError
from service.client.exchange import Exchange, Wait
from service.client.file_job import FileJob
from service.client.gathering import Gathering
from service.client.retry import Retry
from service.versions import Version


class AsyncClient:
    """A client of the service for asyncio. To be closed, or used in an `async with` statement.

    Every method may raise a `ClientError`; what can be tried again was tried again by then.

    Args:
        address: of the service.
        api_key: if the service wants one.
        timeout_seconds: for each request.
        retry: which requests are sent again, and for how long.
        sticky_key: where a rollout divides requests among versions, those with the same key get the same one. Without
            it each call is chosen for by itself.
        max_requests: requests in flight at a time; further ones wait, for as long as it takes.
        transport: for tests: what to send requests with.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30.0,
        retry: Retry | None = None,
        sticky_key: str | None = None,
        max_requests: int = 32,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=address,
            headers=calls.common_headers(api_key, timeout_seconds),
            timeout=httpx.Timeout(timeout_seconds, pool=None),
            limits=httpx.Limits(max_connections=max_requests, max_keepalive_connections=max_requests),
            transport=transport,
        )
        self._retry = retry or Retry()
        self._sticky_key = sticky_key
        # Cheaper than httpx's pool, which looks at every waiting request whenever a connection becomes free.
        self._slots = asyncio.Semaphore(max_requests)
        self._gathering = Gathering(self._send)

    async def predict(
        self, text: str, *, model: str | None = None, version: Version | None = None, request_id: str | None = None
    ) -> SingleResponse:
        """Predict the sentiment of a text; the service's log has the request by `request_id`.

        Calls that are made at the same time, as with `asyncio.gather`, share requests, unless they have a `request_id`.
        """
        query = self._query(model, version)
        if request_id is None:
            return await self._gathering.predict(text, query)
        return await self._send(calls.predict(text, query), request_id)

    async def predict_many(
        self, texts: Iterable[str], *, model: str | None = None, version: Version | None = None
    ) -> list[OneOfMany]:
        """Predict the sentiment of texts, in order, however many there are.

        Raises:
            TypeError: one of them is no str; nothing is sent.
            RefusedError: one of them has no answer; `pointer` names it. `score_lines` does not stop there.
            ClientError: `answered` has the predictions of the first texts.
        """
        predictions: list[OneOfMany] = []
        try:
            async for some in self._in_order(calls.predict_many(texts, self._query(model, version).together())):
                predictions += some
        except ClientError as error:
            error.answered = predictions
            raise
        return predictions

    async def explain(
        self,
        text: str,
        *,
        max_phrases: int | None = None,
        model: str | None = None,
        version: Version | None = None,
        request_id: str | None = None,
    ) -> ExplainResponse:
        """Explain the answer to a text by the contribution of each word."""
        return await self._send(calls.explain(text, max_phrases, self._query(model, version)), request_id)

    async def score_lines(
        self, texts: Iterable[str], *, model: str | None = None, version: Version | None = None
    ) -> AsyncIterator[OneOfMany | ProblemBody]:
        """Yield a prediction or a problem for each text, in order, while the texts are still being read.

        Raises:
            TypeError: one of them is no str.
        """
        async with aclosing(
            self._in_order(calls.score_lines(texts, self._query(model, version).together()))
        ) as answers:
            async for some in answers:
                for answer in some:
                    yield answer

    async def score_file(
        self,
        source: str | Path,
        target: str | Path,
        *,
        column: str = "text",
        delimiter: str | None = None,
        prefix: str = "",
        quote: str | None = None,
        header: str = "first",
        encoding: str | None = None,
        model: str | None = None,
        version: Version | None = None,
        restart: bool = False,
    ) -> FileSummary:
        """Score a file of any size: CSV, NDJSON or lines, as its suffix says, perhaps with .gz after it.

        Until all is scored the answers are in `TARGET.part`; the same call continues an interrupted one.

        Args:
            source: the file.
            target: gets the answers of `POST /predict/batch`.
            column: of CSV, the one with the texts; without a header its number, from 1.
            delimiter: of CSV: one character, or the word tab.
            prefix: put before the names of what is added.
            quote: of CSV: double or none, whether double quotes can enclose fields; by default none in a .tsv file.
            header: of CSV: first or none, whether the first row has the names of the columns.
            encoding: of the file, such as cp949; without one UTF-8. UTF-16 cannot be sent in pieces.
            model: its name; auto for the one that reads each text's script, which is then named in the answer.
            version: of the model, or its label.
            restart: whether to begin anew, whatever an interrupted call left.

        Raises:
            ValueError: a suffix says nothing or contradicts the format; the target is the source; an option has a
                value that it cannot have; the file is in UTF-16 or UTF-32.
            CheckpointError: an interrupted call with another file, model or options left its output there.
            OSError: a file cannot be read or written.
        """
        options = FileOptions(column, delimiter, prefix, quote, header, encoding, self._query(model, version))
        unopened = FileJob(Path(source), Path(target), options)
        with unopened.open(await self.models(), restart) as job:
            async with aclosing(self._in_order(job.calls(), from_disk=True)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(job.add, chunk)
            return await asyncio.to_thread(job.finish)

    async def feedback(
        self,
        label: str,
        *,
        request_id: str | None = None,
        position: int | None = None,
        text: str | None = None,
        model: str | None = None,
        version: Version | None = None,
    ) -> FeedbackResponse:
        """Tell the true label of a text that was answered, or of a text that is sent and answered now.

        Args:
            label: the true label, one of the model's.
            request_id: of the `predict` that answered the text.
            position: of the text, if that request had several, from 0.
            text: the text, in place of a request id.
            model: that answers the text.
            version: of the model, or its label.

        Raises:
            TypeError: neither a request id nor a text is given, or both.
            NotFoundError: the answer is not remembered.
            RefusedError: the model has no such label, or the service keeps no feedback.
        """
        return await self._send(calls.feedback(label, request_id, position, text, self._query(model, version)))

    async def health(self) -> HealthResponse:
        """Tell that the service is ready, and with which model."""
        return await self._send(calls.health())

    async def models(self) -> list[ModelResponse]:
        """List every model version that is loaded."""
        return await self._send(calls.models())

    async def close(self) -> None:
        """Cancel what has no answer yet, and close the connections."""
        await self._gathering.close()
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _query(self, model: str | None, version: Version | None) -> ModelQuery:
        return ModelQuery(model, version, self._sticky_key)

    async def _in_order(self, wanted: Iterable[Call[Result]], from_disk: bool = False) -> AsyncGenerator[Result, None]:
        """Yield the results of calls, of which a few are in flight or wait to be taken; no more are asked for."""
        tasks: deque[asyncio.Task[Result]] = deque()
        remaining = iter(wanted)
        try:
            while call := await asyncio.to_thread(next, remaining, None) if from_disk else next(remaining, None):
                tasks.append(asyncio.create_task(self._send(call)))
                if len(tasks) == REQUESTS_AHEAD:
                    yield await tasks.popleft()
            while tasks:
                yield await tasks.popleft()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, call: Call[Result], request_id: str | None = None) -> Result:
        async with self._slots:
            exchange = Exchange(call, self._retry, request_id)
            while True:
                outcome: httpx.Response | httpx.RequestError
                try:
                    outcome = await self._http.request(**exchange.arguments())
                except httpx.RequestError as error:
                    outcome = error
                result = exchange.read(outcome)
                if not isinstance(result, Wait):
                    return result
                await sleep(result.seconds)
