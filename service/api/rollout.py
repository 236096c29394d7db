"""`GET /models/{name}/rollout`: the labels of a model's versions, and which version answers whom."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import documented
from service.api.schemas import RolloutResponse
from service.api.state import state_of
from service.models.rollouts import RolloutState


@documented("Labels of a model's versions, and who gets which", "models", answer=RolloutResponse)
async def rollout(request: Request) -> JSONResponse:
    """Describe the rollout of a model: its file, any refusal of it, and the number of processes that follow it.

    Every process reads the file within a second of its change.
    """
    state = state_of(request)
    name = request.path_params["name"]
    versions = state.registry.versions(name)
    about = state.repository.rollouts.get(name, RolloutState())
    following, processes = state.repository.following(name)
    return JSONResponse(
        {
            "labels": about.rollout.labels,
            "serve": about.rollout.serve,
            "shadow": about.rollout.shadow and about.rollout.shadow.model_dump(),
            "shares": {str(p.name.version): share for p in versions if (share := state.registry.share(p))},
            "revision": about.revision,
            "refusal": about.refusal or None,
            "missing": about.missing,
            "processes": processes,
            "following": following,
        }
    )
