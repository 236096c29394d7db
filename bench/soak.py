"""`make soak`: mixed traffic for as long as told, every answer compared; memory and file handles at start and end."""

import gzip
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx

from bench.servers import children, free_port
from bench.texts import reviews

RELOAD_SECONDS = 30
WARM_UP_SECONDS = 20


class WrongAnswerError(Exception):
    """An answer that is not the one that it should be."""


Ask = Callable[["Traffic", httpx.Client, random.Random], None]


@dataclass
class Traffic:
    """Clients of every kind, and what became of their requests."""

    address: str
    answers: dict[str, tuple[str, float]]  # label and probability of each text, as first answered
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self, kind: str, ask: Ask, seed: int) -> None:
        """Asks again and again until told to stop."""
        chance = random.Random(seed)
        with httpx.Client(base_url=self.address, timeout=60) as client:
            while not self.stop.is_set():
                try:
                    ask(self, client, chance)
                    self.counts[kind] += 1
                except (httpx.HTTPError, OSError, WrongAnswerError) as error:
                    self.errors[f"{kind}: {type(error).__name__}: {error}"[:200]] += 1

    def some(self, chance: random.Random, count: int) -> list[str]:
        """So many of the texts."""
        return chance.choices(list(self.answers), k=count)

    def check(self, text: str, label: str, probability: float) -> None:
        """Compares an answer with the first one."""
        expected = self.answers[text]
        if (label, round(probability, 5)) != (expected[0], round(expected[1], 5)):
            raise WrongAnswerError(f"{label} {probability} instead of {expected}")


def single(traffic: Traffic, client: httpx.Client, chance: random.Random) -> None:
    """One text."""
    [text] = traffic.some(chance, 1)
    answer = client.post("/predict", json={"text": text}).raise_for_status().json()
    traffic.check(text, answer["label"], answer["probability"])


def many(traffic: Traffic, client: httpx.Client, chance: random.Random) -> None:
    """Up to 300 texts."""
    texts = traffic.some(chance, chance.randint(1, 300))
    answer = client.post("/predict", json={"texts": texts}).raise_for_status().json()
    for text, prediction in zip(texts, answer["predictions"], strict=True):
        traffic.check(text, prediction["label"], prediction["probability"])


def stream(traffic: Traffic, _: httpx.Client, chance: random.Random) -> None:
    """A file of NDJSON, sometimes compressed, both ways."""
    texts = traffic.some(chance, chance.randint(1, 3_000))
    body = "".join(json.dumps({"text": text}) + "\n" for text in texts).encode()
    headers = {"Content-Type": "application/x-ndjson", "Accept-Encoding": "identity"}
    if chance.random() < 0.5:
        body = gzip.compress(body, 1)
        headers |= {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
    # curl, because it reads while it sends; httpx would send everything first, and wait for ever on a large file.
    sent = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    url = f"{traffic.address}/predict/batch"
    done = subprocess.run(
        ["curl", "-sS", "--compressed", "-X", "POST", "-T", "-", *sent, url],
        input=body,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise WrongAnswerError(done.stderr.decode())
    *lines, summary = done.stdout.splitlines()
    if json.loads(summary)["summary"]["scored"] != len(texts):
        raise WrongAnswerError(summary.decode())
    for text, line in zip(texts, lines, strict=True):
        answer = json.loads(line)
        traffic.check(text, answer["label"], answer["probability"])


def protocol(traffic: Traffic, client: httpx.Client, chance: random.Random) -> None:
    """The Open Inference Protocol."""
    texts = traffic.some(chance, chance.randint(1, 30))
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
    answer = client.post("/v2/models/imdb-conv1d/infer", json={"inputs": [tensor]}).raise_for_status().json()
    outputs = {output["name"]: output["data"] for output in answer["outputs"]}
    for text, label, probability in zip(texts, outputs["label"], outputs["probability"], strict=True):
        traffic.check(text, label, probability)


def bad(_: Traffic, client: httpx.Client, chance: random.Random) -> None:
    """What is refused."""
    body, status = chance.choice([(b"{", 400), (b"", 400), (b'{"text": ""}', 422), (b'{"texts": [1]}', 422)])
    response = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    if response.status_code != status:
        raise WrongAnswerError(f"status {response.status_code} for {body!r}")
    time.sleep(0.02)


def leaving(traffic: Traffic, _: httpx.Client, chance: random.Random) -> None:
    """A client that leaves: within its headers, its body, or before its answer."""
    body = json.dumps({"texts": traffic.some(chance, 200)}).encode()
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )
    request = head + body
    host, port = traffic.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(request[: chance.choice([20, len(head) + 10, len(request)])])
        time.sleep(chance.random() * 0.05)


def probe(_: Traffic, client: httpx.Client, _chance: random.Random) -> None:
    """What an orchestrator and Prometheus ask."""
    for path in ("/health/live", "/health/ready", "/metrics"):
        client.get(path).raise_for_status()
    time.sleep(0.5)


KINDS: dict[str, tuple[Ask, int]] = {
    "single": (single, 3),
    "many": (many, 1),
    "stream": (stream, 1),
    "protocol": (protocol, 1),
    "bad": (bad, 1),
}
KINDS |= {"leaving": (leaving, 1), "probe": (probe, 1)}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(0.1), default=20.0, show_default=True)
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def main(minutes: float, workers: int) -> None:
    """Ask a service of its own in every way, reload its models again and again, and see what that does to it."""
    port = free_port()
    command = [sys.executable, "-m", "service", "serve", "--port", str(port), "--workers", str(workers)]
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    traffic = Traffic(f"http://127.0.0.1:{port}", {})
    try:
        _learn_answers(traffic)
        threads = [
            threading.Thread(target=traffic.run, args=(kind, ask, seed))
            for kind, (ask, clients) in KINDS.items()
            for seed in range(clients)
        ]
        for thread in threads:
            thread.start()
        _soak(service, minutes * 60)
        traffic.stop.set()
        for thread in threads:
            thread.join()
        time.sleep(2)
        _report("at rest afterwards", service.pid)
    finally:
        traffic.stop.set()
        service.terminate()
        code = service.wait()
    click.echo(f"exit code after SIGTERM: {code}")
    for kind, count in traffic.counts.items():
        click.echo(f"{kind:>9}: {count:,} done")
    for error, count in traffic.errors.most_common():
        click.echo(f"error, {count} times: {error}")
    sys.exit(bool(traffic.errors or code))


def _learn_answers(traffic: Traffic) -> None:
    full, source = reviews(400)
    texts = [*full, *(" ".join(text.split()[: 1 + position % 40]) for position, text in enumerate(full))]
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=60) as client:
        answer = client.post(f"{traffic.address}/predict", json={"texts": texts}).raise_for_status().json()
    for text, prediction in zip(texts, answer["predictions"], strict=True):
        traffic.answers[text] = (prediction["label"], prediction["probability"])
    click.echo(f"{len(texts)} texts, {source}")


def _soak(service: "subprocess.Popen[bytes]", seconds: float) -> None:
    began = time.monotonic()
    warm = min(WARM_UP_SECONDS, seconds / 4)
    time.sleep(warm)
    _report("at the start", service.pid)
    with click.progressbar(length=int(seconds), label="soaking", file=sys.stderr) as bar:
        bar.update(int(warm))
        while (left := began + seconds - time.monotonic()) > 0:
            time.sleep(min(left, RELOAD_SECONDS))
            bar.update(int(time.monotonic() - began) - bar.pos)
            service.send_signal(signal.SIGHUP)
    _report("at the end", service.pid)


def _report(when: str, pid: int) -> None:
    """Memory, file handles and threads of each process."""
    for process in [pid, *children(pid)]:
        folder = Path(f"/proc/{process}")
        if b"resource_tracker" in (folder / "cmdline").read_bytes():
            continue
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        name = "supervisor" if process == pid else "worker"
        memory = int(status["VmRSS"].split()[0]) / 1e3
        handles = len(list((folder / "fd").iterdir()))
        threads = int(status["Threads"])
        click.echo(f"{when}: {name} {process}: {memory:.1f} MB, {handles} file handles, {threads} threads")


if __name__ == "__main__":
    main()
