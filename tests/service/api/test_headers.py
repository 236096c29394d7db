"""Values of headers and parameters."""

import pytest

from service.api.headers import MediaType, accepted_codings, media_type, whole_number


@pytest.mark.parametrize(
    ("value", "name", "charset"),
    [
        ("application/json", "application/json", None),
        ('Text/CSV; header=present; CharSet="CP949"', "text/csv", "cp949"),
        ("json; charset=utf-8", "", "utf-8"),
        ("", "", None),
        ("text/csv; charset*=utf-8''x", "text/csv", ""),
    ],
)
def test_a_media_type_is_read_in_lower_case_with_its_charset(value: str, name: str, charset: str | None) -> None:
    assert media_type(value) == MediaType(name, charset)


def test_content_without_a_charset_is_utf_8() -> None:
    assert media_type("text/plain").is_unicode
    assert media_type("text/plain; charset=UTF-8").is_unicode
    assert not media_type("text/plain; charset=cp949").is_unicode


def test_a_coding_with_a_quality_of_0_is_refused() -> None:
    assert accepted_codings("GZIP;q=0.5, deflate ; q=0.000, br;q=0, identity") == ["gzip", "identity"]
    assert accepted_codings("") == []


@pytest.mark.parametrize("value", ["", "-1", "+1", "1.0", "1e3", "٣", "1" * 17, "0", "11"])
def test_a_number_is_written_in_ascii_digits_and_within_bounds(value: str) -> None:
    assert whole_number(value, 1, 10) is None


def test_both_bounds_are_numbers_within_bounds() -> None:
    assert (whole_number("1", 1, 10), whole_number("10", 1, 10)) == (1, 10)
