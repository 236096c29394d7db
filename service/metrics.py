"""Metrics for Prometheus, summed over all processes of the service.

Worker processes share a folder (`PROMETHEUS_MULTIPROC_DIR`, set by `service.server.processes` before they start), in
which each keeps its numbers; the one that answers `/metrics` adds them up. A single process keeps them in memory.

A request changes some twenty numbers: they are added up first (`service.observed`), and passed on twice a second and
before this process reads them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.inference.predictor import Predictor
from service.observed import Count, Observations
from service.scheduler import Job

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STAGE_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_BATCH_TEXTS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class ModelStatistics:
    """Statistics of a model version since the start, over all processes; durations in nanoseconds."""

    inference_count: int  # texts
    execution_count: int  # jobs
    last_inference_ms: int  # since the epoch; 0 for never
    failed_count: int  # jobs
    queue_count: int
    queue_ns: int
    tokenization_count: int
    tokenization_ns: int
    inference_batches: int
    inference_ns: int


class Metrics:
    """All metrics of the service.

    Args:
        models: returns the loaded model versions, each with a flag for the default.
        shared: whether this is one of several processes.
    """

    def __init__(self, models: Callable[[], Iterable[tuple[Predictor, bool]]], shared: bool) -> None:
        self._shared = shared
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests", "Requests answered; status 499 is a caller that left.", ["method", "route", "status"],
            registry=registry,
        )  # fmt: skip
        self._duration = Histogram(
            "http_request_duration_seconds", "From the request's headers to the end of the answer.", ["route"],
            buckets=_REQUEST_SECONDS, registry=registry,
        )  # fmt: skip
        self._in_progress = Gauge(
            "http_requests_in_progress", "Requests in work, told every half second.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        Gauge(
            "sentiment_workers", "Processes that serve requests.", registry=registry, multiprocess_mode="livesum"
        ).set(1)
        self._waiting = Gauge(
            "sentiment_waiting_texts", "Texts queued or in work, told every half second.", registry=registry,
            multiprocess_mode="livesum",
        )  # fmt: skip
        self._rejected = Counter(
            "sentiment_rejected_requests", "Requests refused because of load, time or shutdown.", ["reason"],
            registry=registry,
        )  # fmt: skip
        self._calls = Counter(
            "sentiment_key_requests", "Requests by the name of the API key.", ["key", "status"], registry=registry
        )
        self._call_texts = Counter(
            "sentiment_key_texts", "Texts by the name of the API key.", ["key"], registry=registry
        )
        self._lost_answers = Counter(
            "sentiment_feedback_lost_answers", "Answers that could not be remembered for feedback.", registry=registry
        )
        model = ["model", "version"]
        self._stages = Histogram(
            "sentiment_stage_seconds",
            "Time in the queue (each request), and in tokenization and inference (each batch).",
            [*model, "stage"], buckets=_STAGE_SECONDS, registry=registry,
        )  # fmt: skip
        self._batch_texts = Histogram(
            "sentiment_batch_texts", "Texts computed together.", model, buckets=_BATCH_TEXTS, registry=registry
        )
        self._predictions = Counter("sentiment_predictions", "Predictions made.", [*model, "label"], registry=registry)
        self._words = Counter("sentiment_words", "Words, or characters, of the texts.", model, registry=registry)
        self._unknown = Counter(
            "sentiment_unknown_words", "Words that the model has no vector for: their share tells of drift.", model,
            registry=registry,
        )  # fmt: skip
        self._failed = Counter("sentiment_failed_batches", "Batches that failed.", model, registry=registry)
        self._last = Gauge(
            "sentiment_last_inference_timestamp_seconds", "When the model last answered.", model, registry=registry,
            multiprocess_mode="max",
        )  # fmt: skip
        self._live: list[Collector] = []
        self.add(_ModelInfo(models))
        self.in_progress = 0
        """Requests that this process has in work."""
        self._answered: dict[tuple[str, str, int], _Answered] = {}
        self._by_model: dict[tuple[str, int], _ModelMetrics] = {}

    def add(self, collector: Collector) -> None:
        """Add a collector of what is the same in every process, and tells it as it is when asked."""
        self._live.append(collector)
        self._registry.register(collector)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method: method, from a fixed set.
            route: path of the route, from a fixed set.
            status: status of the answer.
            seconds: time from the headers to the end of the answer.
        """
        key = (method, route, status)
        answered = self._answered.get(key)
        if answered is None:
            answered = _Answered(Count(self._requests.labels(*key)), Observations(self._duration.labels(route)))
            self._answered[key] = answered
        answered.number.value += 1
        answered.seconds.add(seconds)

    def called(self, key: str, status: int, texts: int) -> None:
        """Count a request for the name of its API key.

        Args:
            key: name, from the file of keys.
            status: status of the answer.
            texts: texts of the request.
        """
        self._calls.labels(key, status).inc()
        self._call_texts.labels(key).inc(texts)

    def rejected(self, reason: str) -> None:
        """Count a refused request.

        Args:
            reason: slug of the problem.
        """
        self._rejected.labels(reason).inc()

    def lost_answers(self, number: int) -> None:
        """Count answers that could not be remembered for feedback."""
        self._lost_answers.inc(number)

    def sample(self, waiting_texts: int) -> None:
        """Pass on what was counted, and set the gauges of the work in this process.

        Args:
            waiting_texts: texts that are queued or in work.
        """
        self._in_progress.set(self.in_progress)
        self._waiting.set(waiting_texts)
        self.pass_on()

    def pass_on(self) -> None:
        """Pass on what was counted since the last time, for whichever process is asked."""
        for answered in self._answered.values():
            answered.pass_on()
        for metrics in self._by_model.values():
            metrics.pass_on()

    def observe(self, job: Job) -> None:
        """Count a finished job of the scheduler, unless it belongs to an explanation."""
        predictor = job.predictor
        if not isinstance(predictor, Predictor):
            return
        key = (predictor.manifest.name, predictor.manifest.version)
        metrics = self._by_model.get(key)
        if metrics is None:
            metrics = self._by_model[key] = self._of_model(*key, labels=predictor.manifest.labels)
        if job.error:
            metrics.failed.value += 1
        if not job.predictions:
            return
        for wait in job.waits():
            metrics.queue.add(wait)
        metrics.tokenization.add(job.ready - job.taken)
        metrics.inference.add(job.ended - job.started)
        metrics.batch_texts.add(len(job.predictions))
        words = unknown = positive = 0
        positive_label = predictor.manifest.labels[1]
        for prediction in job.predictions:
            words += prediction.words
            unknown += prediction.words - prediction.known_words
            positive += prediction.label == positive_label
        metrics.positive.value += positive
        metrics.negative.value += len(job.predictions) - positive
        metrics.words.value += words
        metrics.unknown.value += unknown
        metrics.answered = time()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._collected())

    def model_statistics(self, name: str, version: int) -> ModelStatistics:
        """Add up the statistics of a model version from its metrics."""
        samples: dict[tuple[str, str], float] = {}
        for metric in self._collected().collect():
            for sample in metric.samples:
                if (sample.labels.get("model"), sample.labels.get("version")) == (name, str(version)):
                    key = (sample.name, sample.labels.get("stage", ""))
                    samples[key] = samples.get(key, 0) + sample.value

        def number(sample: str, stage: str = "", scale: float = 1) -> int:
            return round(samples.get((sample, stage), 0) * scale)

        def stage(name: str) -> tuple[int, int]:
            return (
                number("sentiment_stage_seconds_count", name),
                number("sentiment_stage_seconds_sum", name, scale=1e9),
            )

        return ModelStatistics(
            number("sentiment_predictions_total"),
            number("sentiment_batch_texts_count"),
            number("sentiment_last_inference_timestamp_seconds", scale=1e3),
            number("sentiment_failed_batches_total"),
            *stage("queue"),
            *stage("tokenization"),
            *stage("inference"),
        )

    def _collected(self) -> CollectorRegistry:
        self.pass_on()
        if not self._shared:
            return self._registry
        collected = CollectorRegistry()
        MultiProcessCollector(collected)  # type: ignore[no-untyped-call]
        for collector in self._live:
            collected.register(collector)
        return collected

    def _of_model(self, name: str, version: int, labels: tuple[str, str]) -> "_ModelMetrics":
        model = (name, str(version))
        negative, positive = (Count(self._predictions.labels(*model, label)) for label in labels)
        queue, tokenization, inference = (
            Observations(self._stages.labels(*model, stage)) for stage in ("queue", "tokenization", "inference")
        )
        return _ModelMetrics(
            queue=queue,
            tokenization=tokenization,
            inference=inference,
            batch_texts=Observations(self._batch_texts.labels(*model)),
            negative=negative,
            positive=positive,
            words=Count(self._words.labels(*model)),
            unknown=Count(self._unknown.labels(*model)),
            failed=Count(self._failed.labels(*model)),
            last=self._last.labels(*model),
        )


@dataclass(frozen=True, slots=True)
class _Answered:
    """The requests of one method, route and status."""

    number: Count
    seconds: Observations

    def pass_on(self) -> None:
        self.number.pass_on()
        self.seconds.pass_on()


@dataclass(slots=True)
class _ModelMetrics:
    """The metrics of one model version, looked up once."""

    queue: Observations
    tokenization: Observations
    inference: Observations
    batch_texts: Observations
    negative: Count
    positive: Count
    words: Count
    unknown: Count
    failed: Count
    last: Gauge
    answered: float = 0.0
    """Time of the last answer, in seconds since the epoch."""

    def pass_on(self) -> None:
        for each in (self.queue, self.tokenization, self.inference, self.batch_texts):
            each.pass_on()
        for count in (self.negative, self.positive, self.words, self.unknown, self.failed):
            count.pass_on()
        if self.answered:
            self.last.set(self.answered)


class _ModelInfo(Collector):
    """One line for each loaded model version, as it is when asked."""

    def __init__(self, models: Callable[[], Iterable[tuple[Predictor, bool]]]) -> None:
        self._models = models

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "sentiment_model_info",
            "Model versions that are loaded.",
            labels=["model", "version", "precision", "default"],
        )
        for predictor, default in self._models():
            manifest = predictor.manifest
            info.add_metric(
                [manifest.name, str(manifest.version), predictor.precision, "true" if default else "false"], 1
            )
        yield info
