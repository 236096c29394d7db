"""The speed over HTTP as two pictures: requests a second, and the wait of the slowest."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from bench.constants import CONSTANTS
from training.report.style import FIRST, SECOND, SOFT, Picture, picture

_KIND = "full reviews"
_OURS = "this service"
_LOOKS = [(FIRST, "o", "-"), (SECOND, "s", "-"), (SOFT, "D", "--")]  # servers in their order


def speed_pictures(found: dict[str, Any]) -> list[Picture]:
    """`throughput` and `latency`; their titles are about the number of connections at which this service does most.

    Args:
        found: what `make bench` writes.
    """
    measured: dict[str, dict[str, dict[str, float]]] = found["http"][_KIND]
    by_connections = {
        number: {name: row for name, row in servers.items() if name not in CONSTANTS}
        for number, servers in measured.items()
    }
    at = max(by_connections, key=lambda number: by_connections[number][_OURS]["per_second"])
    ours = by_connections[at][_OURS]
    usual = [row for name, row in by_connections[at].items() if name != _OURS]
    ratio = ours["per_second"] / max(row["per_second"] for row in usual)
    usual_p99_ms = min(row["p99_ms"] for row in usual)
    under = "by the number of connections; one full review a request, the load generator shares the processor."
    return [
        picture(
            "throughput",
            f"At {at} connections, {ratio:.1f} times as many requests a second as the usual way",
            f"Requests a second {under}",
            partial(_lines, by_connections=by_connections, key="per_second", ylabel="requests a second"),
        ),
        picture(
            "latency",
            f"At {at} connections, 99 of 100 answers come within {ours['p99_ms']:.0f} ms; "
            f"the usual way, within {usual_p99_ms:.0f} ms",
            f"The 99th percentile of the time to an answer {under}",
            partial(_lines, by_connections=by_connections, key="p99_ms", ylabel="99th percentile (ms, logarithmic)"),
        ),
    ]


def _lines(axes: Axes, *, by_connections: dict[str, dict[str, dict[str, float]]], key: str, ylabel: str) -> None:
    names: Sequence[str] = list(next(iter(by_connections.values())))
    for name, (colour, marker, line) in zip(names, _LOOKS, strict=True):
        values = [servers[name][key] for servers in by_connections.values()]
        axes.plot(list(by_connections), values, line, color=colour, marker=marker, label=name)
    axes.set(xlabel="connections", ylabel=ylabel)
    if key == "p99_ms":
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.legend(loc="best")
