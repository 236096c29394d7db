"""Downloads from stores, and uploads to them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from service.errors import BundleError
from service.inference.bundle import open_bundle
from service.models.store import Progress, Store, StoreError
from service.settings import SettingsError
from tests.service.conftest import write_small_bundle
from tests.service.stores import store_of, web_server


def download(store: str, place: str, folder: Path) -> None:
    opened = Store(store)
    opened.download(place, opened.manifests()[place], folder)


def test_what_a_store_holds_comes_whole_and_verified(store: str, bundles: Path, tmp_path: Path) -> None:
    assert list(Store(store).manifests()) == ["small/1", "small/2"]
    download(store, "small/2", tmp_path / "here")
    assert [*(tmp_path / "here").rglob("manifest.json")] == [tmp_path / "here/small/2/manifest.json"]
    for path in (bundles / "small/2").iterdir():
        assert (tmp_path / "here/small/2" / path.name).read_bytes() == path.read_bytes()


def test_other_files_and_folders_of_a_store_are_passed_over(bundles: Path) -> None:
    for name in ("README.md", "small/1.txt", "small/reports/1/accuracy.svg", "small/3/model.onnx", "other/1", "4/x"):
        (bundles / name).parent.mkdir(parents=True, exist_ok=True)
        (bundles / name).write_text("x")
    for kind in ("file", "http", "s3", "gs", "hf"):
        with store_of(kind, bundles) as store:
            assert list(Store(store).manifests()) == ["small/1", "small/2"]


def test_a_bundle_that_is_still_being_uploaded_is_refused(writable: str, tmp_path: Path) -> None:
    files, root = fsspec.url_to_fs(writable)
    files.rm(f"{root}/small/2/vocabulary.txt")
    with pytest.raises(BundleError, match=r"small/2: not all of its files are there yet\.$") as refused:
        download(writable, "small/2", tmp_path / "here")
    assert not isinstance(refused.value, StoreError)
    assert [*(tmp_path / "here").iterdir()] == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("model.onnx", b"half of it", r"small/2/model\.onnx: is not the file that the manifest names"),
        ("manifest.json", b"{", r"small/2/manifest\.json: is not JSON"),
        ("manifest.json", b'{"schema_version": 9}', r"small/2/manifest\.json: has schema version 9"),
    ],
)
def test_a_broken_bundle_is_refused_by_its_address(
    writable: str, tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    files, root = fsspec.url_to_fs(writable)
    files.pipe_file(f"{root}/small/2/{name}", content)
    with pytest.raises(BundleError, match=f"^{writable}/{fault}"):
        download(writable, "small/2", tmp_path / "here")
    assert [*(tmp_path / "here").iterdir()] == []


def test_a_manifest_cannot_name_files_elsewhere(bundles: Path, tmp_path: Path) -> None:
    path = bundles / "small/2/manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "files": {**manifest["files"], "../../x": "0" * 64}}))
    with pytest.raises(BundleError, match=r"files\.\.\./\.\./x"):
        download(f"file://{bundles}", "small/2", tmp_path / "here")


def test_a_part_of_a_store_is_not_taken_for_the_whole(bundles: Path) -> None:
    for broken in ("/small", "/small/1/manifest.json"):
        with web_server(bundles, broken) as store, pytest.raises(StoreError, match="the models cannot be read"):
            Store(store).manifests()


def test_a_copy_of_the_same_place_is_replaced(bundles: Path, tmp_path: Path) -> None:
    broken = tmp_path / "here/small/2"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{")
    download(f"file://{bundles}", "small/2", tmp_path / "here")
    assert open_bundle(broken).manifest.version == 2
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["small"]


def test_a_folder_that_cannot_be_written_is_an_error_of_one_line(bundles: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"^\S+file: the models cannot be written: .*\.$"):
        download(f"file://{bundles}", "small/2", tmp_path / "file")


def test_an_uploaded_bundle_can_be_downloaded(writable: str, tmp_path: Path) -> None:
    bundle = open_bundle(write_small_bundle(tmp_path / "more", version=3).path)
    assert Store(writable).upload(bundle)
    assert not Store(writable).upload(bundle)
    download(writable, "small/3", tmp_path / "here")


def test_an_upload_that_was_interrupted_is_done_again(writable: str, tmp_path: Path) -> None:
    bundle = open_bundle(write_small_bundle(tmp_path / "more", version=3).path)
    files, root = fsspec.url_to_fs(writable)
    files.makedirs(f"{root}/small/3", exist_ok=True)
    files.pipe_file(f"{root}/small/3/model.onnx", b"half of it")
    assert "small/3" not in Store(writable).manifests()
    assert Store(writable).upload(bundle)
    download(writable, "small/3", tmp_path / "here")


def test_another_model_of_the_same_version_is_not_overwritten(writable: str, tmp_path: Path) -> None:
    other = open_bundle(write_small_bundle(tmp_path / "more", version=2, bias=1.0).path)
    before = Store(writable).manifests()
    with pytest.raises(BundleError, match=f"^{writable}/small/2 is another model.*training publish"):
        Store(writable).upload(other)
    assert Store(writable).manifests() == before


def test_a_file_that_changes_while_it_is_uploaded_does_not_appear(writable: str, tmp_path: Path) -> None:
    folder = write_small_bundle(tmp_path / "more", version=3)
    bundle = open_bundle(folder.path)
    (folder.path / "vocabulary.txt").write_text("other\n")
    with pytest.raises(StoreError, match=r"small/3/vocabulary\.txt: is not what was sent"):
        Store(writable).upload(bundle)
    assert "small/3" not in Store(writable).manifests()


@pytest.fixture
def told() -> list[tuple[str, int | None, list[int]]]:
    return []


@pytest.fixture
def progress(told: list[tuple[str, int | None, list[int]]]) -> Progress:
    @contextmanager
    def progress(place: str, size: int | None) -> Iterator[Callable[[int], object]]:
        told.append((place, size, []))
        yield told[-1][2].append

    return progress


@pytest.mark.parametrize("kind", ["http", "s3", "gs", "hf"])
def test_progress_adds_up_to_the_bundle_s_bytes(
    kind: str, bundles: Path, tmp_path: Path, told: list[tuple[str, int | None, list[int]]], progress: Progress
) -> None:
    with store_of(kind, bundles) as store:
        opened = Store(store)
        opened.download("small/1", opened.manifests()["small/1"], tmp_path / "here", progress)
        if kind != "http":
            opened.upload(open_bundle(write_small_bundle(tmp_path / "more", version=3).path), progress)
    assert [place for place, _, _ in told] == ["small/1", "small/3"][: len(told)]
    for _, size, advances in told:
        assert size == sum(advances) > 100


def test_a_web_server_takes_no_bundle_and_says_so(bundles: Path, tmp_path: Path) -> None:
    bundle = open_bundle(write_small_bundle(tmp_path / "more", version=3).path)
    with web_server(bundles) as store, pytest.raises(StoreError, match=r"cannot be written: 501"):
        Store(store).upload(bundle)


def test_a_store_of_an_unknown_kind_is_refused_with_what_to_install() -> None:
    with pytest.raises(SettingsError, match=r"^ftpx://a: Protocol not known.*conv1d-sentiment\[stores\]"):
        Store("ftpx://a")


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(StoreError, match=r"^http://127\.0\.0\.1:9/models: the models cannot be read") as refused:
        Store("http://me:secret@127.0.0.1:9/models").manifests()
    assert "secret" not in str(refused.value)
