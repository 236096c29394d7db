"""The collaborators of the routes: made by `application.create_app`, reached through the request."""

from dataclasses import dataclass, field

from starlette.requests import Request

from service.api.inspections import Inspections
from service.api.spool import SpoolBudget
from service.classifier import Classifier
from service.feedback.recorder import Recorder
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.models.registry import Registry
from service.models.repository import Repository
from service.monitoring.drift import Drift
from service.monitoring.shadow import Shadow
from service.scheduler import Scheduler
from service.settings import Settings


@dataclass(frozen=True)
class State:
    """The collaborators of one application."""

    settings: Settings
    repository: Repository
    classifier: Classifier
    scheduler: Scheduler
    metrics: Metrics
    lifecycle: Lifecycle
    spool_budget: SpoolBudget
    shadow: Shadow
    drift: Drift
    feedback: Recorder | None = None
    inspections: Inspections = field(default_factory=Inspections)

    @property
    def registry(self) -> Registry:
        """The models that are served now."""
        return self.repository.registry

    @property
    def max_json_values(self) -> int:
        """Largest number of JSON values of a body: two for each text, as some protocols need, and as many again."""
        return 4 * self.settings.max_texts + 1_000


def state_of(request: Request) -> State:
    """Return the state of the application that handles a request."""
    state: State = request.scope["app"].collaborators
    return state
