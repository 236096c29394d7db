"""Errors of a peer that cannot be measured."""


class PeerError(RuntimeError):
    """A peer cannot be installed, or answers something else than the bundle; the message says it in one line."""
