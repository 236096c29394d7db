import subprocess
import sys
from pathlib import Path

import pytest

from service.callers import quota as quota_module
from service.callers.quota import Quota


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; a test changes it."""
    now = [1_000.0]
    monkeypatch.setattr(quota_module, "monotonic", lambda: now[0])
    return now


def test_a_second_s_worth_may_come_at_once_and_then_the_rate_holds(tmp_path: Path, clock: list[float]) -> None:
    quota = Quota(tmp_path / "q", 10)
    assert [quota.take(1) for _ in range(10)] == [0] * 10
    assert quota.take(1) == pytest.approx(0.1)
    clock[0] += 0.1001
    assert quota.take(1) == 0
    assert quota.take(1) > 0
    taken = 0
    for _ in range(1_000):  # 100 seconds, asked ten times as often as is allowed
        for _ in range(10):
            taken += quota.take(1) == 0
        clock[0] += 0.1
    assert taken == pytest.approx(1_000, abs=10)


def test_a_rate_below_one_a_second_holds_from_the_first_on(tmp_path: Path, clock: list[float]) -> None:
    quota = Quota(tmp_path / "q", 0.1)
    assert quota.take(1) == 0
    assert quota.take(1) == pytest.approx(10)
    clock[0] += 10.001
    assert quota.take(1) == 0


def test_more_than_a_second_s_worth_is_taken_without_debt_and_then_paid_off(tmp_path: Path, clock: list[float]) -> None:
    quota = Quota(tmp_path / "q", 100)
    assert quota.take(1_000) == 0
    assert quota.take(1) == pytest.approx(9.01)
    clock[0] += 9.02
    assert quota.take(1) == 0


def test_what_was_saved_up_is_no_more_than_a_second_s_worth(tmp_path: Path, clock: list[float]) -> None:
    quota = Quota(tmp_path / "q", 10)
    quota.take(1)
    clock[0] += 3_600
    assert sum(quota.take(1) == 0 for _ in range(50)) == 10


def test_processes_take_from_the_same_quota(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from service.callers.quota import Quota;"
        "quota = Quota(Path(sys.argv[1]), 0.001)\n"
        "print(sum(quota.take(1) == 0 for _ in range(200)))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "q")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate(timeout=60)[0]) for process in processes) == 1
