"""The metrics of shadows."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from service.models.registry import Registry
from service.monitoring.shadow import Shadow


class ShadowCollector(Collector):
    """Comparisons of the shadows of all models, added up over the processes when asked.

    Args:
        registry: returns the models that are served now.
        shadow: of this process.
    """

    def __init__(self, registry: Callable[[], Registry], shadow: Shadow) -> None:
        self._registry = registry
        self._shadow = shadow

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; each begins anew with another pair of versions."""
        pair_labels = ["model", "version", "shadow_version"]
        texts = CounterMetricFamily(
            "sentiment_shadow_texts",
            "Texts that a shadow should read: same label, flip, or dropped for want of capacity.",
            labels=[*pair_labels, "outcome"],
        )
        differences = HistogramMetricFamily(
            "sentiment_shadow_difference", "Difference of the probabilities of answer and shadow.", labels=pair_labels
        )
        seconds = HistogramMetricFamily(
            "sentiment_shadow_text_seconds",
            "Time of a text in either version, alone and in small batches.",
            labels=[*pair_labels, "read_by"],
        )
        for pair in self._registry().pairs.values():
            tally = self._shadow.total(pair)
            labels = [pair.answering.name.name, str(pair.answering.name.version), str(pair.shadow.name.version)]
            texts.add_metric([*labels, "same"], tally.texts - tally.flips)
            texts.add_metric([*labels, "flip"], tally.flips)
            texts.add_metric([*labels, "dropped"], tally.dropped)
            differences.add_metric(labels, tally.differences.buckets(), tally.differences.total)
            for reader, histogram in (("answer", tally.answering_seconds), ("shadow", tally.shadow_seconds)):
                seconds.add_metric([*labels, reader], histogram.buckets(), histogram.total)
        yield from (texts, differences, seconds)
