"""Count of the values in JSON, told from its bytes."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import BodyTooLargeError
from service.json_size import UNCOUNTED_BYTES, check_json_size

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet=st.sampled_from('a,[{"\\é')),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=5),
)


def values(content: object) -> int:
    """Count the values: of an object its members, which have a comma or a bracket before them."""
    if isinstance(content, list):
        return 1 + sum(map(values, content)) if content else 2  # an empty list counts as if it had one
    if isinstance(content, dict):
        return 1 + sum(map(values, content.values())) if content else 2
    return 1


def passes(body: bytes, max_values: int) -> bool:
    try:
        check_json_size(body, max_values)
    except BodyTooLargeError:
        return False
    return True


@given(JSON)
@example(["\\", '"', '\\"', "a,b"])
@example({"\\": "\\\\", '"': ["[{,"]})
def test_values_are_counted_and_what_is_in_strings_is_not(content: object) -> None:
    for ascii_only in (True, False):
        body = json.dumps(content, ensure_ascii=ascii_only).encode() + b" " * UNCOUNTED_BYTES
        number = values(content)
        assert passes(body, number)
        assert not passes(body, number - 1)


def test_a_small_body_is_not_counted() -> None:
    assert passes(b"[" + b"0," * 30_000 + b"0]", 1)
    assert not passes(b"[" + b"0," * 40_000 + b"0]", 1)
