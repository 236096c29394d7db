"""The limit on texts that wait for inference in one process.

`server.admission` limits something else, earlier: the requests, files and bytes that the process holds.
"""

from collections.abc import Sequence, Sized

from service.errors import OverloadedError


class Backlog:
    """Count the texts and characters of all accepted requests, and refuse more than the limits.

    A request is counted once its texts are validated, and refused before any of them is queued. When nothing waits, a
    request of any size is accepted, so that no limit makes it impossible.

    Args:
        max_texts: texts that may be queued or in work.
        max_chars: characters that they may have together.
    """

    def __init__(self, max_texts: int, max_chars: int) -> None:
        self._max_texts = max_texts
        self._max_chars = max_chars
        self.texts = 0
        """Texts of accepted requests."""
        self.chars = 0
        """Characters of these texts."""

    def enter(self, texts: Sequence[Sized]) -> int:
        """Count the texts of a request, until they `leave`.

        Args:
            texts: of one request, validated.

        Returns:
            Their characters.

        Raises:
            OverloadedError: too much is waiting.
        """
        chars = sum(map(len, texts))
        if self.texts:
            if self.texts + len(texts) > self._max_texts:
                raise OverloadedError(f"{self.texts:,} texts are waiting already; try again shortly.")
            if self.chars + chars > self._max_chars:
                raise OverloadedError(f"Texts of {self.chars:,} characters are waiting already; try again shortly.")
        self.texts += len(texts)
        self.chars += chars
        return chars

    def leave(self, texts: int, chars: int) -> None:
        """Count texts no more, which have been computed or given up.

        Args:
            texts: their number.
            chars: their characters.
        """
        self.texts -= texts
        self.chars -= chars
