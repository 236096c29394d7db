"""Validation of a text: the same for every route, file and command."""

from service.errors import BlankTextError, InvalidTextError, TextTooLongError
from service.inference.tokenizers.normalization import is_blank


def check_text(text: str, max_chars: int, pointer: str | None = None) -> None:
    """Validate a text.

    Args:
        text: the text.
        max_chars: largest number of characters.
        pointer: place of the text in the request, for the error.

    Raises:
        TextTooLongError: the text has more than `max_chars` characters.
        BlankTextError: the text has no visible character.
        InvalidTextError: the text has a NUL or half a surrogate pair.
    """
    if len(text) > max_chars:
        raise TextTooLongError(f"The text has {len(text):,} characters; at most {max_chars:,} are read.", pointer)
    if "\0" in text:
        raise InvalidTextError(f"The text has a NUL at character {text.index(chr(0)) + 1}.", pointer)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidTextError(
                f"The text has half a surrogate pair at character {error.start + 1}, which is no character.", pointer
            ) from error
    if is_blank(text):
        raise BlankTextError("The text is blank; there is nothing to judge.", pointer)
