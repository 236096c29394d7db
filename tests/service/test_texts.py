"""Which texts are accepted."""

import pytest

from service.errors import BlankTextError, InvalidTextError, RequestError, TextTooLongError
from service.texts import check_text


@pytest.mark.parametrize("text", ["a", "x" * 10, "좋다", "😀", "\u200b!"])
def test_a_text_passes(text: str) -> None:
    check_text(text, max_chars=10)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", BlankTextError),
        (" \n\t\u00a0\u3000", BlankTextError),
        ("\u200b \ufeff", BlankTextError),
        ("<p></p>", BlankTextError),
        ("&nbsp;", BlankTextError),
        ("x" * 11, TextTooLongError),
        ("a\0b", InvalidTextError),
        ("a\ud800", InvalidTextError),
        ("\udc00é", InvalidTextError),
    ],
)
def test_what_is_no_text_is_refused_with_its_place(text: str, error: type[RequestError]) -> None:
    with pytest.raises(error) as caught:
        check_text(text, max_chars=10, pointer="/texts/3")
    assert caught.value.pointer == "/texts/3"
