from pathlib import Path

import pytest

from service.errors import BundleError
from service.models.rollout import Rollout, parse_rollout, read_rollout, rollout_files, written

PATH = Path("models/small/rollout.json")


def parsed(content: str) -> Rollout:
    return parse_rollout(content.encode(), PATH)


def test_labels_and_weights_stand_for_versions() -> None:
    rollout = parsed('{"labels": {"stable": 2, "next": 3}, "serve": {"stable": 90, "next": 5, "2": 5}}')
    assert rollout.weights == {2: 95, 3: 5}
    assert rollout.mentioned == {2, 3}
    assert [rollout.number(version) for version in ("next", 7)] == [3, 7]


def test_a_shadow_is_mentioned_so_that_it_is_loaded() -> None:
    rollout = parsed('{"labels": {"stable": 2}, "shadow": {"version": 3, "share": 0.1}}')
    assert rollout.mentioned == {2, 3}
    assert parse_rollout(written(rollout), PATH) == rollout


@pytest.mark.parametrize("serve", ["null", '"stable"', "2", '{"stable": 0.95, "3": 0.05}'])
def test_what_is_written_is_read_again(serve: str) -> None:
    rollout = parsed(f'{{"labels": {{"stable": 2}}, "serve": {serve}}}')
    assert parse_rollout(written(rollout), PATH) == rollout


@pytest.mark.parametrize(
    ("there", "shares"),
    [([2, 3], {2: 0.75, 3: 0.25}), ([1, 3], {3: 1.0}), ([1], {1: 1.0}), ([1, 4], {4: 1.0})],
)
def test_a_version_that_cannot_answer_leaves_its_share(there: list[int], shares: dict[int, float]) -> None:
    assert parsed('{"serve": {"2": 3, "3": 1}}').served(there) == shares


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "valid dictionary"),
        ('{"lables": {}}', "lables"),
        ('{"labels": {"1": 2}}', "no label"),
        ('{"labels": {"a b": 2}}', "no label"),
        ('{"labels": {"stable": "2"}}', "labels.stable"),
        ('{"labels": {"stable": 0}}', "labels.stable"),
        ('{"labels": {"stable": true}}', "labels.stable"),
        ('{"serve": "stable"}', "there is no label 'stable'; there is none"),
        ('{"labels": {"next": 3}, "serve": {"stable": 95, "next": 5}}', "there is no label 'stable'; there is next"),
        ('{"serve": 0}', "it should be a number from 1 on, or a label"),
        ('{"serve": 2.5}', "it should be a number from 1 on, or a label"),
        ('{"serve": "2"}', "it should be a number from 1 on, or a label"),
        ('{"serve": true}', "it should be a number from 1 on, or a label"),
        ('{"serve": []}', "it should be a version"),
        ('{"serve": {}}', "the weights"),
        ('{"serve": {"2": 0}}', "the weights"),
        ('{"serve": {"2": -1, "3": 5}}', "the weights"),
        ('{"serve": {"2": NaN}}', "the weights"),
        ('{"serve": {"2": "95"}}', "the weights"),
        ('{"serve": {"0": 95}}', "should be a number from 1 on"),
        ('{"shadow": "next"}', "shadow: "),
        ('{"shadow": {"version": 2}}', "shadow.share"),
        ('{"shadow": {"version": "next", "share": 0.1}}', "there is no label 'next'; there is none"),
        ('{"shadow": {"version": "2", "share": 0.1}}', "it should be a number from 1 on, or a label"),
        ('{"shadow": {"version": 2, "share": 0}}', "shadow.share"),
        ('{"shadow": {"version": 2, "share": 1.5}}', "shadow.share"),
        ('{"shadow": {"version": 2, "share": "10 %"}}', "shadow.share"),
        ('{"shadow": {"version": 2, "share": 0.1, "of": 1}}', "shadow.of"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_with_its_place(content: str, reason: str) -> None:
    with pytest.raises(BundleError) as refused:
        parsed(content)
    message = str(refused.value)
    assert message.startswith(f"{PATH}: ")
    assert reason in message
    assert "\n" not in message


def test_a_file_that_is_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    assert read_rollout(tmp_path) == Rollout()
    path = tmp_path / "rollout.json"
    path.mkdir()
    with pytest.raises(BundleError, match="regular file"):
        read_rollout(tmp_path)
    path.rmdir()
    path.write_text(" " * 100_001)
    with pytest.raises(BundleError, match="at most"):
        read_rollout(tmp_path)


def test_a_replaced_file_of_the_same_size_and_time_is_a_change(tmp_path: Path) -> None:
    import os

    path = tmp_path / "small" / "rollout.json"
    path.parent.mkdir()
    path.write_text('{"serve": 1}')
    os.utime(path, ns=(1, 1))
    before = rollout_files(tmp_path)
    new = tmp_path / "new"
    new.write_text('{"serve": 2}')
    os.utime(new, ns=(1, 1))
    new.replace(path)
    assert rollout_files(tmp_path) != before
