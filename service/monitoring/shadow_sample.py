"""The sample of a shadow: a file of texts to which two versions gave different labels."""

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from service.inference.predictor import Prediction
from service.models.pair import Pair
from service.settings import SettingsError

MAX_SAMPLE_BYTES = 10_000_000
"""Size from which on nothing is added to the file."""

logger = logging.getLogger("service")

Flip = tuple[str, Prediction, Prediction]
"""A text, the answer to it, and that of the shadow."""


class ShadowSample:
    """A file of NDJSON that the processes of a service append to, until it is full.

    It holds texts of people: it is made readable for its owner alone.

    Args:
        path: the file, new or there.

    Raises:
        SettingsError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fault = ""
        try:
            os.close(self._open())
        except OSError as error:
            raise SettingsError(f"SENTIMENT_SHADOW_SAMPLE: {path} cannot be written: {error.strerror}.") from error

    def append(self, pair: Pair, flips: Sequence[Flip]) -> None:
        """Append a line for each flip, while there is room; a failure is logged once."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        lines = [
            {
                "time": time,
                "model": pair.answering.name.name,
                "version": pair.answering.name.version,
                "shadow_version": pair.shadow.name.version,
                "text": text,
                "label": answered.label,
                "shadow_label": shadowed.label,
                "probability": answered.probability,
                "shadow_probability": shadowed.probability,
            }
            for text, answered, shadowed in flips
        ]
        try:
            descriptor = self._open()
            try:
                for line in lines:
                    content = json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
                    if os.fstat(descriptor).st_size + len(content) <= MAX_SAMPLE_BYTES:
                        os.write(descriptor, content)  # in one piece, whatever other processes append
            finally:
                os.close(descriptor)
            self._fault = ""
        except OSError as error:
            if self._fault != str(error):
                self._fault = str(error)
                logger.error("flips are not written: %s: %s", self._path, error.strerror)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o600)
