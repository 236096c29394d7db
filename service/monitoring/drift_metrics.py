"""The metrics of drift."""

from collections.abc import Callable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.models.registry import Registry
from service.monitoring.drift import Drift


class DriftCollector(Collector):
    """The drift of all models, added up over the processes when asked.

    Args:
        registry: returns the models that are served now.
        drift: of this process.
    """

    def __init__(self, registry: Callable[[], Registry], drift: Drift) -> None:
        self._registry = registry
        self._drift = drift

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; a model whose bundle has no reference histograms has none."""
        model = ["model", "version"]
        indices = GaugeMetricFamily(
            "sentiment_drift",
            "Population stability index of the last texts against held-out ones; none before there are enough texts.",
            labels=[*model, "feature"],
        )
        texts = GaugeMetricFamily("sentiment_drift_texts", "Texts that this index is taken over.", labels=model)
        for predictor in self._registry():
            if state := self._drift.total(predictor):
                labels = [predictor.name.name, str(predictor.name.version)]
                texts.add_metric(labels, state.texts)
                for feature, index in state.indices.items():
                    indices.add_metric([*labels, feature], index)
        yield from (indices, texts)
