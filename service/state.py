"""What the routes work with; made by `app.create_app`, found on the request."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from service.metrics import Metrics
from service.registry import Registry
from service.repository import Repository
from service.scheduler import Scheduler
from service.server.lifecycle import Lifecycle
from service.settings import Settings


@dataclass(frozen=True)
class State:
    """The collaborators of one application."""

    settings: Settings
    repository: Repository
    scheduler: Scheduler
    metrics: Metrics
    lifecycle: Lifecycle
    looking_inside: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the one request that computes what only people want to see."""

    @property
    def registry(self) -> Registry:
        """What is served now."""
        return self.repository.registry


def state_of(request: Request) -> State:
    """The state of the application that the request came to."""
    return cast(State, request.app.state.collaborators)
