import os
import subprocess
import sys
from pathlib import Path

from service.models.fleet import Fleet, TargetState


def test_every_process_finds_the_target_that_one_of_them_set(tmp_path: Path) -> None:
    assert Fleet(tmp_path).target() == TargetState()
    Fleet(tmp_path).change(lambda names: names | {"b", "a"})
    Fleet(tmp_path).change(lambda names: names - {"a"})
    assert Fleet(tmp_path).target() == TargetState(2, frozenset({"b"}))


def test_no_change_is_lost_when_processes_make_them_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from service.models.fleet import Fleet;"
        "fleet = Fleet(Path(sys.argv[1]))\n"
        "for i in range(50): fleet.change(lambda names: names | {f'{sys.argv[2]}-{i}'})"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [process.wait(30) for process in processes] == [0] * 4
    target = Fleet(tmp_path).target()
    assert (target.generation, len(target.unloaded)) == (200, 200)


def test_a_change_is_done_when_every_process_has_said_so(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    assert fleet.done_everywhere(5)
    fleet.report(4)
    (tmp_path / "workers" / "1").write_text('{"generation": 5, "revisions": {}}')
    assert fleet.done_everywhere(4)
    assert not fleet.done_everywhere(5)
    fleet.forget(os.getpid())
    fleet.forget(os.getpid())
    assert fleet.done_everywhere(5)


def test_a_private_folder_goes_with_its_owner() -> None:
    fleet = Fleet.private()
    fleet.change()
    [folder] = {path.parent for path in fleet._workers.parent.iterdir()}
    del fleet
    assert not folder.exists()
