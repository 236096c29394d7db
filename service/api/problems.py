"""`GET /problems`: what the `type` of a problem leads to."""

from fastapi import APIRouter

from service.api.schemas import ProblemKind
from service.errors import ProblemNotFoundError
from service.problems import BY_SLUG, Problem

router = APIRouter(tags=["problems"])


@router.get("/problems", summary="Every problem that an answer can be", response_model=list[ProblemKind])
async def problems() -> list[dict[str, object]]:
    """The whole table, by type."""
    return [_kind(problem) for problem in BY_SLUG.values()]


@router.get("/problems/{slug}", summary="One kind of problem", response_model=ProblemKind)
async def problem(slug: str) -> dict[str, object]:
    """What a problem's `type` means."""
    if slug not in BY_SLUG:
        raise ProblemNotFoundError(f"No problem is called {slug!r}; /problems lists them.")
    return _kind(BY_SLUG[slug])


def _kind(problem: Problem) -> dict[str, object]:
    return {"type": problem.type, "title": problem.title, "status": problem.status}
