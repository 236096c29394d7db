"""`GET /problems`: the table of problems, to which the `type` of each problem leads."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from service.api.openapi import documented
from service.api.schemas import ProblemKind
from service.errors import ProblemNotFoundError
from service.problems import BY_SLUG, Problem


@documented("Every problem that an answer can be", "problems", answer=list[ProblemKind])
async def problems(_: Request) -> JSONResponse:
    """The whole table, by type."""
    return JSONResponse([_kind(problem) for problem in BY_SLUG.values()])


@documented("One kind of problem", "problems", answer=ProblemKind)
async def problem(request: Request) -> JSONResponse:
    """The entry to which the `type` of a problem leads."""
    slug = request.path_params["slug"]
    if slug not in BY_SLUG:
        raise ProblemNotFoundError(f"No problem is called {slug!r}; /problems lists them.")
    return JSONResponse(_kind(BY_SLUG[slug]))


def _kind(problem: Problem) -> dict[str, object]:
    return {"type": problem.type, "title": problem.title, "status": problem.status}
