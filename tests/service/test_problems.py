import inspect

import pytest

from service import errors
from service.problems import BY_SLUG, PROBLEMS

# Only the base of others.
NEVER_OVER_HTTP = {errors.ServiceError, errors.RequestError, errors.UnavailableError}
TREE = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, errors.ServiceError) and error not in NEVER_OVER_HTTP
]


@pytest.mark.parametrize("error", TREE)
def test_every_error_of_the_tree_has_its_problem(error: type[errors.ServiceError]) -> None:
    problem = PROBLEMS[error]
    caller_can_mend_it = issubclass(error, errors.RequestError | errors.BundleError)
    assert (problem.status < 500) == caller_can_mend_it


def test_the_table_has_no_row_twice() -> None:
    slugs = [problem.slug for problem in PROBLEMS.values()]
    assert len(set(slugs)) == len(slugs)
    assert set(slugs) < set(BY_SLUG)
