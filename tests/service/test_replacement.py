"""Files that processes follow."""

import os
from pathlib import Path

from service.inference.bundle import bundle_files
from service.models.rollout import rollout_files
from service.replacement import file_stamps, replace_file


def test_a_replaced_file_has_another_stamp_even_with_the_same_time_and_size(tmp_path: Path) -> None:
    path = tmp_path / "small" / "1" / "model.onnx"
    path.parent.mkdir(parents=True)
    rollout = tmp_path / "small" / "rollout.json"
    for file in (path, rollout):
        file.write_bytes(b"one")
    before = bundle_files(tmp_path), rollout_files(tmp_path)
    assert before == (bundle_files(tmp_path), rollout_files(tmp_path))
    for file in (path, rollout):
        times = file.stat()
        replace_file(file, b"two")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert bundle_files(tmp_path) != before[0]
    assert rollout_files(tmp_path) != before[1]


def test_a_file_that_is_gone_has_no_stamp(tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    assert file_stamps([tmp_path / "here", tmp_path / "gone"]).keys() == {tmp_path / "here"}
