"""Ray Serve: a replica for each core and dynamic request batching.

After https://docs.ray.io/en/latest/serve/advanced-guides/performance.html (`RAY_SERVE_THROUGHPUT_OPTIMIZED`, async
methods with a high `max_ongoing_requests`, nothing that blocks the event loop) and
https://docs.ray.io/en/latest/serve/advanced-guides/dyn-req-batch.html (`serve.batch`, a batch size that is a power of
two, a short wait).
"""

import asyncio
import signal
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from bench.peers.batching import CORES, MAX_BATCH_SIZE, WAIT_MILLISECONDS
from bench.usual_model import UsualModel


@serve.deployment(num_replicas=CORES, max_ongoing_requests=1_000, ray_actor_options={"num_cpus": 1})
class Sentiment:
    """The model in a replica."""

    def __init__(self) -> None:
        self._model = UsualModel.from_environment()

    @serve.batch(max_batch_size=MAX_BATCH_SIZE, batch_wait_timeout_s=WAIT_MILLISECONDS / 1e3)
    async def answer(self, texts: list[str]) -> list[dict[str, Any]]:
        """Answer a batch."""
        return await asyncio.to_thread(self._model.answers, texts)

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer a request."""
        answer: dict[str, Any] = await self.answer((await request.json())["text"])
        return answer


if __name__ == "__main__":
    ray.init(address="local", num_cpus=CORES, include_dashboard=False)
    serve.start(
        http_options={"host": "127.0.0.1", "port": int(sys.argv[1])}, logging_config={"enable_access_log": False}
    )
    serve.run(Sentiment.bind(), route_prefix="/predict")
    signal.sigwait({signal.SIGTERM})
