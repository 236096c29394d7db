"""What the routes work with; made by `app.create_app`, found on the request."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from service.registry import Registry
from service.repository import Repository
from service.scheduler import Scheduler
from service.settings import Settings


@dataclass(frozen=True)
class State:
    """The collaborators of one application."""

    settings: Settings
    registry: Registry
    scheduler: Scheduler
    repository: Repository


def state_of(request: Request) -> State:
    """The state of the application that the request came to."""
    return cast(State, request.app.state.collaborators)
