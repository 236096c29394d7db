"""LitServe: a worker for each core, batching, HTTP servers in processes, and ZeroMQ as the queue.

After https://lightning.ai/docs/litserve/features/batching (`max_batch_size`, a small `batch_timeout`),
https://lightning.ai/docs/litserve/speed-up-serving-by-200x (`workers_per_device`) and
https://lightning.ai/docs/litserve/api-reference/litserver (`fast_queue` above 100 requests a second; there are as many
HTTP servers as workers unless told otherwise). Its standard output is a log line a request unless it is a warning.
"""

import sys
from collections.abc import Sequence
from typing import Any

import litserve

from bench.peers.batching import CORES, MAX_BATCH_SIZE, WAIT_MILLISECONDS
from bench.usual_model import UsualModel


class Sentiment(litserve.LitAPI):
    """The model in a worker."""

    def setup(self, device: str) -> None:  # noqa: ARG002 (the processor)
        """Open the model."""
        self._model = UsualModel.from_environment()

    def decode_request(self, request: dict[str, str]) -> str:
        """Take the text out of a request."""
        return request["text"]

    def predict(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Answer a batch."""
        return self._model.answers(texts)


if __name__ == "__main__":
    api = Sentiment(max_batch_size=MAX_BATCH_SIZE, batch_timeout=WAIT_MILLISECONDS / 1e3)
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=CORES, fast_queue=True)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
