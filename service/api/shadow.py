"""`GET /models/{name}/shadow`: how the answers of a model and of its shadow differ."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import documented
from service.api.schemas import ShadowResponse
from service.api.state import state_of
from service.models.pair import Pair
from service.monitoring.shadow_tally import ShadowTally, wilson_interval


@documented("What the shadow of a model has compared", "models", answer=ShadowResponse)
async def shadow(request: Request) -> JSONResponse:
    """Add up the comparison over all processes; those of other processes are half a second old at most.

    It begins anew when another pair of versions is compared, and at the start of the service. All is null where no
    shadow reads along: `rollout.json` names none, its version is not loaded, or it answers most requests itself.
    """
    state = state_of(request)
    pair = state.registry.pair(request.path_params["name"])
    fields = dict.fromkeys(ShadowResponse.model_fields) if pair is None else _fields(pair, state.shadow.total(pair))
    return JSONResponse(fields)


def _fields(pair: Pair, tally: ShadowTally) -> dict[str, Any]:
    texts = tally.texts
    return {
        "version": pair.answering.name.version,
        "shadow_version": pair.shadow.name.version,
        "share": pair.share,
        "texts": texts,
        "dropped": tally.dropped,
        "flips": tally.flips,
        "flip_share": tally.flips / texts if texts else None,
        "flip_share_interval": wilson_interval(tally.flips, texts) if texts else None,
        "mean_difference": tally.differences.mean,
        "largest_difference": tally.largest if texts else None,
        "seconds_per_text": tally.answering_seconds.mean,
        "shadow_seconds_per_text": tally.shadow_seconds.mean,
    }
