import os
import subprocess
import sys
from pathlib import Path

from service.control import Control, Wanted


def test_every_process_finds_what_one_of_them_wanted(tmp_path: Path) -> None:
    assert Control(tmp_path).wanted() == Wanted()
    Control(tmp_path).change(lambda names: names | {"b", "a"})
    Control(tmp_path).change(lambda names: names - {"a"})
    assert Control(tmp_path).wanted() == Wanted(2, frozenset({"b"}))


def test_no_change_is_lost_when_processes_make_them_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from service.control import Control;"
        "control = Control(Path(sys.argv[1]))\n"
        "for i in range(50): control.change(lambda names: names | {f'{sys.argv[2]}-{i}'})"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [process.wait(30) for process in processes] == [0] * 4
    wanted = Control(tmp_path).wanted()
    assert (wanted.generation, len(wanted.unloaded)) == (200, 200)


def test_a_change_is_done_when_every_process_has_said_so(tmp_path: Path) -> None:
    control = Control(tmp_path)
    assert control.done_everywhere(5)
    control.report(4)
    (tmp_path / "workers" / "1").write_text("5")
    assert control.done_everywhere(4)
    assert not control.done_everywhere(5)
    control.forget(os.getpid())
    control.forget(os.getpid())
    assert control.done_everywhere(5)


def test_a_private_folder_goes_with_its_owner() -> None:
    control = Control.private()
    control.change()
    [folder] = {path.parent for path in control._workers.parent.iterdir()}
    del control
    assert not folder.exists()
