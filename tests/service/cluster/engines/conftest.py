"""A cluster of Ray on this machine, and a store.

These tests need the extra `ray`, pyspark, a Java runtime and moto, which are heavy: `.ci/apart` installs them.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.service.running import ENVIRONMENT
from tests.service.stores import empty_gs_server

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")

STORE_BYTES = 80_000_000
_NOTICE = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1_000, "health_check_failure_threshold": 5}
"""A lost machine is noticed in seconds."""
ROOT = Path(__file__).parents[4]


@dataclass
class Nodes:
    """Machines of one processor each, all of them here."""

    cluster: Any
    started: list[Any] = field(default_factory=list)

    def add(self) -> None:
        self.started.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES))

    def lose(self) -> None:
        """One of them, as if its plug was pulled."""
        self.cluster.remove_node(self.started.pop(), allow_graceful=False)

    def kill_worker(self) -> bool:
        """A process that is scoring a file; tells whether there was one."""
        for node in self.started:
            raylet = node.all_processes["raylet"][0].process.pid
            found = subprocess.run(
                ["pgrep", "--parent", str(raylet), "--full", "ray::_score"], capture_output=True, text=True, check=False
            )
            for pid in found.stdout.split():
                os.kill(int(pid), signal.SIGKILL)
                return True
        return False


@pytest.fixture(scope="session")
def store_address() -> Iterator[str]:
    """Address of a server of S3; the variables that lead clients to it are set."""
    server = pytest.importorskip("moto.server", reason="moto is not installed: pip install 'moto[server]'")
    pytest.importorskip("s3fs", reason="s3fs is not installed: pip install -e '.[stores]'")
    moto = server.ThreadedMotoServer("127.0.0.1", port=0)
    moto.start()
    host, port = moto.get_host_and_port()
    address = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield address
    moto.stop()


@pytest.fixture(scope="session")
def gs_variables() -> Iterator[dict[str, str]]:
    """Variables that lead clients to a server of Google Cloud Storage's protocol; they are set."""
    with empty_gs_server() as variables:
        yield variables


@pytest.fixture(scope="session")
def nodes(store_address: str, gs_variables: dict[str, str]) -> Iterator[Nodes]:  # noqa: ARG001 (the nodes inherit variables)
    """A head without processors, and two nodes."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
                "_system_config": _NOTICE,
            },
        )
        there = Nodes(cluster)
        there.add()
        there.add()
    yield there
    cluster.shutdown()


@dataclass(frozen=True)
class Run:
    """The command, for the small bundle."""

    flags: Sequence[str]

    def start(self, *arguments: object) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "service", "score", "--engine", "ray", *map(str, arguments), *self.flags]
        environment = {**ENVIRONMENT, **{n: v for n, v in os.environ.items() if n.startswith(("AWS_", "STORAGE_"))}}
        return subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env={**environment, "PYTHONPATH": str(ROOT)}
        )

    def __call__(self, *arguments: object) -> tuple[int, str]:
        """Returns the exit code and what was said."""
        return finished(self.start(*arguments))


def finished(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code of a run and what it said, but for what it says while it runs, if that takes long."""
    lines = process.communicate()[1].splitlines()
    return process.returncode, "".join(f"{line}\n" for line in lines if "; the cluster has " not in line)


@pytest.fixture
def run(small_settings: Any) -> Run:
    return Run(["--models-dir", str(small_settings.models_dir), "--model", "small", "--max-text-chars", "60"])
