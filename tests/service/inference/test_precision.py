from pathlib import Path

import pytest

from service.inference import precision
from service.inference.bundle import Bundle, open_bundle
from service.inference.precision import choose_precision
from tests.service.conftest import BundleFolder

VNNI = "processor : 0\nflags\t\t: fpu sse2 avx2 avx512_vnni\n"
OLD = "processor : 0\nflags\t\t: fpu sse2 avx2\n"
ARM = "processor : 0\nFeatures\t: fp asimd asimddp\n"


@pytest.fixture
def both(small: BundleFolder) -> Bundle:
    """A bundle with an 8-bit graph."""
    graph = small.manifest()["graphs"]["float32"]
    small.change_manifest(graphs={"float32": graph, "int8": graph})
    return open_bundle(small.path)


def processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cpuinfo: str) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(cpuinfo)
    monkeypatch.setattr(precision, "_CPUINFO", path)


@pytest.mark.parametrize(("cpuinfo", "chosen"), [(VNNI, "int8"), (ARM, "int8"), (OLD, "float32"), ("", "float32")])
def test_auto_follows_the_processor(
    both: Bundle, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cpuinfo: str, chosen: str
) -> None:
    processor(monkeypatch, tmp_path, cpuinfo)
    assert choose_precision(both, "auto") == chosen


def test_auto_takes_float32_where_there_is_nothing_else(
    small: BundleFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    processor(monkeypatch, tmp_path, VNNI)
    assert choose_precision(open_bundle(small.path), "auto") == "float32"


@pytest.mark.parametrize("wanted", ["float32", "int8", "reference"])
def test_what_is_wanted_is_taken(both: Bundle, wanted: str) -> None:
    assert choose_precision(both, wanted) == wanted
