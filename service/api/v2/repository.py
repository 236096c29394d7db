"""The model repository extension: the index of the models folder, loading and unloading."""

from dataclasses import asdict
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import json_body
from service.api.request import parse_json, read_content
from service.api.state import state_of
from service.api.v2.answers import IndexEntryBody
from service.api.v2.requests import IndexRequest, RepositoryRequest, inline_schema
from service.api.v2.routing import documented_v2
from service.errors import InvalidRequestError, NoBodyError, RepositoryControlError
from service.models.repository import Repository

Body = TypeVar("Body", bound=BaseModel)


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return json_body(inline_schema(model), {}, required=False)


@documented_v2("Every model in the folder of models", answer=list[IndexEntryBody], body=_body(IndexRequest))
async def index(request: Request) -> JSONResponse:
    """Models that cannot answer are listed too, with the reason."""
    only_ready = (await _read(request, IndexRequest)).ready
    entries = [asdict(entry) for entry in state_of(request).repository.index()]
    return JSONResponse(
        [
            {**entry, "version": str(entry["version"])}
            for entry in entries
            if entry["state"] == "READY" or not only_ready
        ]
    )


@documented_v2("Load a model, or load it again", answer=dict[str, Any], body=_body(RepositoryRequest))
async def load(request: Request) -> JSONResponse:
    """Loads all versions in the folder of the model. A version that cannot be used is refused; the loaded one stays."""
    repository = _controlled(request)
    wanted = await _read(request, RepositoryRequest)
    for parameter in wanted.parameters or ():
        if parameter == "config" or parameter.startswith("file:"):
            raise InvalidRequestError(
                f"A model is loaded as its folder has it; the parameter {parameter!r} cannot change that."
            )
    await repository.load(request.path_params["name"])
    return JSONResponse({})


@documented_v2("Unload a model", answer=dict[str, Any], body=_body(RepositoryRequest))
async def unload(request: Request) -> JSONResponse:
    """Unloads all versions of the model. The default model cannot be unloaded, as `/predict` needs it."""
    repository = _controlled(request)
    await _read(request, RepositoryRequest)
    await repository.unload(request.path_params["name"])
    return JSONResponse({})


def _controlled(request: Request) -> Repository:
    """Return the repository to a request that loads or unloads a model.

    Raises:
        RepositoryControlError: the settings do not allow it.
    """
    state = state_of(request)
    if not state.settings.controls_repository:
        raise RepositoryControlError(
            "Models are loaded and unloaded over HTTP where API keys are needed, or where "
            "SENTIMENT_REPOSITORY_CONTROL is true; here SIGHUP and SENTIMENT_WATCH_MODELS do it."
        )
    return state.repository


async def _read(request: Request, model: type[Body]) -> Body:
    """Read the body of a request; without a body all fields have their defaults."""
    max_values = state_of(request).max_json_values
    try:
        return await read_content(request, lambda body: parse_json(body, model, max_values), "")
    except NoBodyError:
        return model()
