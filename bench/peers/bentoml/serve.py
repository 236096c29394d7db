"""BentoML: a worker for each core and adaptive batching.

After https://docs.bentoml.com/en/latest/get-started/adaptive-batching.html (a batchable endpoint takes one list; a
request that is later than `max_latency_ms` is refused with 503, so it is high) and
https://docs.bentoml.com/en/latest/build-with-bentoml/parallelize-requests.html (`workers`). A single text is made the
list of one that the endpoint takes, which spares the second service that the page on batching puts before it;
its answer is a list of one.
"""

from typing import Annotated, Any

import bentoml
from pydantic import BeforeValidator

from bench.peers.batching import CORES, MAX_BATCH_SIZE
from bench.usual_model import UsualModel

Texts = Annotated[list[str], BeforeValidator(lambda text: [text] if isinstance(text, str) else text)]


@bentoml.service(workers=CORES, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Sentiment:
    """The model in a worker."""

    def __init__(self) -> None:
        self._model = UsualModel.from_environment()

    @bentoml.api(batchable=True, max_batch_size=MAX_BATCH_SIZE, max_latency_ms=10_000)
    def predict(self, text: Texts) -> list[dict[str, Any]]:
        """Answer a batch."""
        return self._model.answers(text)
