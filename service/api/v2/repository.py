"""The folder of models: what is there, loading and unloading."""

from dataclasses import asdict
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from service.api.body import parse, read_body
from service.api.v2.answers import IndexEntryBody
from service.api.v2.requests import IndexRequest, RepositoryRequest, inline_schema
from service.api.v2.routing import NAME, v2_router
from service.errors import InvalidRequestError, NoBodyError
from service.state import state_of

Body = TypeVar("Body", bound=BaseModel)

router = v2_router()


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return {"requestBody": {"required": False, "content": {"application/json": {"schema": inline_schema(model)}}}}


@router.post(
    "/v2/repository/index",
    summary="Every model in the folder of models",
    response_model=list[IndexEntryBody],
    openapi_extra=_body(IndexRequest),
)
async def index(request: Request) -> JSONResponse:
    """Also those that cannot answer, with the reason."""
    only_ready = (await _read(request, IndexRequest)).ready
    entries = [asdict(entry) for entry in state_of(request).repository.index()]
    return JSONResponse(
        [
            {**entry, "version": str(entry["version"])}
            for entry in entries
            if entry["state"] == "READY" or not only_ready
        ]
    )


@router.post(
    "/v2/repository/models/{name}/load",
    summary="Load a model, or load it again",
    response_model=dict[str, Any],
    openapi_extra={"parameters": [NAME], **_body(RepositoryRequest)},
)
async def load(request: Request) -> JSONResponse:
    """Reads its folder and takes over what it finds there; what cannot be used is refused and the old goes on."""
    wanted = await _read(request, RepositoryRequest)
    for parameter in wanted.parameters or ():
        if parameter == "config" or parameter.startswith("file:"):
            raise InvalidRequestError(
                f"A model is loaded as its folder has it; the parameter {parameter!r} cannot change that."
            )
    await state_of(request).repository.load(request.path_params["name"])
    return JSONResponse({})


@router.post(
    "/v2/repository/models/{name}/unload",
    summary="Unload a model",
    response_model=dict[str, Any],
    openapi_extra={"parameters": [NAME], **_body(RepositoryRequest)},
)
async def unload(request: Request) -> JSONResponse:
    """All of its versions. The default model stays: what would answer `/predict` without it?"""
    await _read(request, RepositoryRequest)
    await state_of(request).repository.unload(request.path_params["name"])
    return JSONResponse({})


async def _read(request: Request, model: type[Body]) -> Body:
    """The request's body, all defaults where there is none."""
    try:
        return parse(await read_body(request, state_of(request).settings), model)
    except NoBodyError:
        return model()
