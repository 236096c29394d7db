"""The metrics of rollouts."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.models.repository import Repository


class RolloutCollector(Collector):
    """The labels and shares of all versions, and whether a rollout could be put in force, as they are when asked.

    Args:
        repository: the models.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        version = ["model", "version"]
        labels = GaugeMetricFamily("sentiment_version_label", "Labels of versions.", labels=[*version, "label"])
        shares = GaugeMetricFamily(
            "sentiment_version_share", "Share of a version in the requests that name none.", labels=version
        )
        faults = GaugeMetricFamily(
            "sentiment_rollout_fault",
            "1 if rollout.json was refused or names a version that could not be loaded, else 0.",
            labels=["model"],
        )
        registry = self._repository.registry
        for predictor in registry:
            model = [predictor.name.name, str(predictor.name.version)]
            shares.add_metric(model, registry.share(predictor))
            for label in registry.labels(predictor):
                labels.add_metric([*model, label], 1)
        rollouts = self._repository.rollouts
        for name in sorted({*rollouts, *(predictor.name.name for predictor in registry)}):
            faults.add_metric([name], 1 if name in rollouts and rollouts[name].fault else 0)
        yield from (labels, shares, faults)
