"""File systems of addresses such as s3://bucket/models, as fsspec has them."""

import re
from typing import Any

from service.settings import SettingsError


def open_address(address: str) -> tuple[Any, str]:
    """Open the file system of an address.

    Returns:
        The file system of fsspec, and the path in it.

    Raises:
        SettingsError: the library for this kind of store is not installed, or the address is none.
    """
    try:
        import fsspec

        files, path = fsspec.url_to_fs(address)
    except (ImportError, ValueError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise SettingsError(
            without_password(f"{address}: {reason}. Stores need the extra: pip install 'conv1d-sentiment[stores]'")
        ) from error
    return files, path


def without_password(message: str) -> str:
    """Return an address, or a message that names some, without names and passwords before the hosts."""
    return re.sub(r"//[^/@\s]*@", "//", message)
