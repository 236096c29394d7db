"""The metrics of feedback."""

from collections.abc import Callable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.feedback.figures import Figures


class FeedbackCollector(Collector):
    """The figures of all versions with feedback. The processes share the database, so that nothing is added up.

    Args:
        figures: returns the figures that were read last.
    """

    def __init__(self, figures: Callable[[], Sequence[Figures]]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        version = ["model", "version"]
        texts = GaugeMetricFamily(
            "sentiment_feedback_texts",
            "Texts whose true label is kept, by this label and that of the answer.",
            labels=[*version, "label", "answer"],
        )
        accuracy = GaugeMetricFamily(
            "sentiment_feedback_accuracy", "Share of these texts that were answered with their label.", labels=version
        )
        error = GaugeMetricFamily(
            "sentiment_feedback_calibration_error",
            "Mean difference of probability and share of positives among these texts, in 15 bins.",
            labels=version,
        )
        for each in self._figures():
            model = [each.model.name, str(each.model.version)]
            for label, row in zip(each.labels, each.confusion, strict=True):
                for answer, number in zip(each.labels, row, strict=True):
                    texts.add_metric([*model, label, answer], number)
            accuracy.add_metric(model, each.accuracy)
            error.add_metric(model, each.calibration_error)
        yield from (texts, accuracy, error)
