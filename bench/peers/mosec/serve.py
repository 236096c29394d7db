"""mosec: a worker process for each core and dynamic batching; HTTP is Rust's, and tokenizing is in the worker.

After "Performance tuning" and "Configuration" on https://mosecorg.github.io/mosec/: `max_wait_time` less than the time
of a batch, as many workers as the processor has room for, the threads of each set. A stage of its own for tokenizing is
advised where a GPU would wait for it.
"""

from typing import Any

from mosec import Server, Worker

from bench.peers.batching import CORES, MAX_BATCH_SIZE, WAIT_MILLISECONDS
from bench.usual_model import UsualModel


class Sentiment(Worker):
    """A process with the model."""

    def __init__(self) -> None:
        self._model = UsualModel.from_environment()

    def forward(self, data: list[dict[str, str]]) -> list[dict[str, Any]]:
        """Answer a batch."""
        return self._model.answers([review["text"] for review in data])


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Sentiment, num=CORES, max_batch_size=MAX_BATCH_SIZE, max_wait_time=WAIT_MILLISECONDS, route="/predict"
    )
    server.run()
