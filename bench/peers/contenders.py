"""Commands and environments of the peers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.servers import Server
from bench.usual_model import BUNDLE, THREADS

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]


@dataclass(frozen=True)
class Peer:
    """A server of models.

    Attributes:
        name: of its folder, as an option.
        arguments: of the Python of its environment; PORT stands for the port.
        environment: its own variables.
    """

    name: str
    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def requirements(self) -> Path:
        """The file of its packages; the first line is the peer itself."""
        return FOLDER / self.name / "requirements.txt"

    @property
    def title(self) -> str:
        """Name and version."""
        return self.requirements.read_text().split("\n")[0].replace("==", " ")

    def server(self, python: Path, bundle: Path) -> Server:
        """The way to start it over a bundle: on each core a worker that runs the graph on one thread."""
        variables = {"PYTHONPATH": str(ROOT), BUNDLE: str(bundle), THREADS: "1", "OMP_NUM_THREADS": "1"}
        return Server(self.title, [str(python), *self.arguments], variables | self.environment)


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "mosec",
            ["-m", "bench.peers.mosec.serve", "--address", "127.0.0.1", "--port", "PORT", "--log-level", "warning"],
            {"MOSEC_TIMEOUT": "30000"},
        ),
        Peer("litserve", ["-m", "bench.peers.litserve.serve", "PORT"]),
        Peer(
            "bentoml",
            ["-m", "bentoml", "serve", "bench.peers.bentoml.serve:Sentiment", "--host", "127.0.0.1", "--port", "PORT"],
            {"BENTOML_DO_NOT_TRACK": "True"},
        ),
        Peer(
            "ray",
            ["-m", "bench.peers.ray.serve", "PORT"],
            {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1", "RAY_USAGE_STATS_ENABLED": "0"},
        ),
    )
}
"""The peers by their names."""
