"""Values of request headers and parameters: media types, content codings, whole numbers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type and its character set, in lower case.

    Attributes:
        name: such as `application/json`; empty if the header is not a media type.
        charset: the parameter of that name; None without one.
    """

    name: str
    charset: str | None

    @property
    def is_unicode(self) -> bool:
        """True if the character set is UTF-8, or is not given."""
        return self.charset in (None, "utf-8", "utf8", "us-ascii")


def media_type(value: str) -> MediaType:
    """Parse a `Content-Type` (RFC 9110, section 8.3.1).

    Args:
        value: value of the header.
    """
    name, *parameters = value.split(";")
    charset = None
    for parameter in parameters:
        key, _, text = parameter.partition("=")
        if key.strip().lower() == "charset":
            charset = text.strip().strip('"').lower()
        elif key.strip().lower().startswith("charset*"):
            charset = ""  # an extended parameter (RFC 8187), which media types do not have
    name = name.strip().lower()
    return MediaType(name if "/" in name else "", charset)


def accepted_codings(value: str) -> list[str]:
    """List the codings that an `Accept-Encoding` names with a quality above 0 (RFC 9110, section 12.5.3).

    Args:
        value: value of the header.
    """
    names = []
    for part in value.lower().split(","):
        name, _, weight = part.replace(" ", "").replace("\t", "").partition(";")
        if name and weight.rstrip("0").rstrip(".") not in ("q=", "q=0"):  # a quality of 0 is a refusal
            names.append(name)
    return names


def whole_number(value: str, minimum: int = 0, maximum: int = 10**15) -> int | None:
    """Parse a number in ASCII digits; return None for anything else, and for a number out of bounds.

    Args:
        value: text of the number.
        minimum: smallest number.
        maximum: largest number.
    """
    if not (value.isascii() and value.isdecimal() and len(value) <= 16):
        return None
    number = int(value)
    return number if minimum <= number <= maximum else None
