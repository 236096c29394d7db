"""`Client`: one request after another, and a few at a time where there are many."""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from service.api.schemas import (
    ExplainResponse,
    HealthResponse,
    ModelResponse,
    OneOfMany,
    ProblemBody,
    SingleResponse,
)
from service.client import calls
from service.client.calls import Asked, Call, CutOffError, FileSummary
from service.client.errors import error_of
from service.client.pieces import FileOptions, ending, open_source, open_target, piece_calls
from service.client.retry import Retry

Result = TypeVar("Result")

IN_WORK = 4
"""Requests that are in work at a time, of those that belong together."""


class Client:
    """Asks a service. To be closed, or used in a `with` statement; threads may share it.

    Every method may raise `NotReachedError` or a `ProblemError`; what can be tried again was tried again by then.

    Args:
        address: of the service.
        api_key: if it wants one.
        timeout_seconds: for each request.
        retry: what is tried again, and how often.
        transport: for tests: what to send requests with.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_seconds: float = 30.0,
        retry: Retry | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=address,
            headers=calls.headers(api_key, timeout_seconds),
            timeout=timeout_seconds,
            transport=transport,
        )
        self._retry = retry or Retry()

    def predict(
        self, text: str, *, model: str | None = None, version: int | None = None, request_id: str | None = None
    ) -> SingleResponse:
        """What the model says of a text; `request_id` is what the service's log will call the request."""
        return self._send(calls.predict(text, Asked(model, version)), request_id)

    def predict_many(
        self, texts: Iterable[str], *, model: str | None = None, version: int | None = None
    ) -> list[OneOfMany]:
        """What it says of texts, in order, however many there are.

        Raises:
            RefusedError: of one of them it can say nothing: `pointer` says which one; `score_lines` goes on.
        """
        answers = self._in_order(calls.predict_many(texts, Asked(model, version)))
        return [prediction for some in answers for prediction in some]

    def explain(
        self,
        text: str,
        *,
        max_phrases: int | None = None,
        model: str | None = None,
        version: int | None = None,
        request_id: str | None = None,
    ) -> ExplainResponse:
        """What each word of a text does to the answer."""
        return self._send(calls.explain(text, max_phrases, Asked(model, version)), request_id)

    def score_lines(
        self, texts: Iterable[str], *, model: str | None = None, version: int | None = None
    ) -> Iterator[OneOfMany | ProblemBody]:
        """A prediction, or what is wrong, for each text in order, while the texts are still being read."""
        with closing(self._in_order(calls.score_lines(texts, Asked(model, version)))) as answers:
            for some in answers:
                yield from some

    def score_file(
        self,
        source: str | Path,
        target: str | Path,
        *,
        column: str = "text",
        delimiter: str | None = None,
        prefix: str = "",
        model: str | None = None,
        version: int | None = None,
    ) -> FileSummary:
        """Scores a file of any size: CSV, NDJSON or lines, as its suffix says, perhaps with .gz after it.

        Args:
            source: the file.
            target: gets the answers of `POST /predict/batch`.
            column: of CSV, the one with the texts.
            delimiter: of CSV: one character, or the word tab.
            prefix: put before the names of what is added.
            model: its name; auto for the one that reads each text's script, which is then named in the answer.
            version: of the model.

        Raises:
            ValueError: the suffix says nothing.
            OSError: a file cannot be read or written.
        """
        scored = errors = 0
        stream, media_type = open_source(Path(source))
        options = FileOptions(column, delimiter, prefix, Asked(model, version))
        with stream, closing(self._in_order(piece_calls(stream, media_type, options))) as answers:
            answer, summary = next(answers)  # before the target is touched: the file may be no such file
            with open_target(Path(target)) as output:
                while True:
                    output.write(answer)
                    scored, errors = scored + summary.scored, errors + summary.errors
                    if (following := next(answers, None)) is None:
                        break
                    answer, summary = following
                total = FileSummary(scored, errors)
                output.write(ending(media_type, total))
        return total

    def health(self) -> HealthResponse:
        """That the service is ready, and with which model."""
        return self._send(calls.health())

    def models(self) -> list[ModelResponse]:
        """Every model version that is loaded."""
        return self._send(calls.models())

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _in_order(self, wanted: Iterable[Call[Result]]) -> Generator[Result, None, None]:
        """The results of calls, of which a few are in work or wait to be taken; no more are asked for."""
        futures: deque[Future[Result]] = deque()
        pool = ThreadPoolExecutor(IN_WORK)
        try:
            for call in wanted:
                futures.append(pool.submit(self._send, call))
                if len(futures) == IN_WORK:
                    yield futures.popleft().result()
            while futures:
                yield futures.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _send(self, call: Call[Result], request_id: str | None = None) -> Result:
        request_id = request_id or calls.new_request_id()
        sent = 0
        while True:
            outcome: httpx.Response | httpx.TransportError
            sent += 1
            try:
                outcome = self._http.request(**call.arguments(request_id))
                if outcome.is_success:
                    return call.parse(outcome.content)
            except httpx.TransportError as error:
                outcome = error
            except CutOffError as error:
                outcome = httpx.RemoteProtocolError(str(error))
            seconds = self._retry.wait(outcome, sent)
            if seconds is None:
                raise error_of(outcome, request_id, call.first_text)
            time.sleep(seconds)
