import numpy as np
import pytest

from service.inference.hash_table import HashTable


def random_hashes(count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1_000, 30_000])
def test_each_hash_has_its_id_and_no_other_has_one(count: int) -> None:
    hashes, others = random_hashes(count, seed=1), random_hashes(1_000, seed=2)
    ids = np.random.default_rng(3).permutation(count).astype(np.uint64) + np.uint64(5)
    table = HashTable(hashes, ids, limit=count + 5)
    assert table.look_up(hashes).tolist() == ids.tolist()
    assert (table.look_up(others) >= table.limit).all()
    assert [table.look_up_one(hashed) for hashed in hashes[:500].tolist()] == ids[:500].tolist()
    assert min(map(table.look_up_one, others[:500].tolist())) >= table.limit


def test_ids_come_in_the_shape_of_the_hashes() -> None:
    hashes = random_hashes(12, seed=1)
    table = HashTable(hashes, np.arange(12, dtype=np.uint64), limit=12)
    assert table.look_up(hashes.reshape(3, 4)).tolist() == np.arange(12).reshape(3, 4).tolist()
    assert table.look_up(hashes[:0]).shape == (0,)


def test_zero_and_the_largest_are_hashes_as_others() -> None:
    hashes = np.array([0, 2**64 - 1, 3 << 62], np.uint64)
    for present in ([0], [1], [2], [0, 1, 2]):
        table = HashTable(hashes[present], np.array(present, np.uint64), limit=3)
        found = table.look_up(hashes)
        assert [table.look_up_one(hashed) for hashed in hashes.tolist()] == found.tolist()
        assert [int(i) for i in found if i < 3] == present


@pytest.mark.parametrize("count", [1_000, 2_000, 3_000, 20_000, 88_585, 272_000])
def test_three_rows_a_hash_are_enough(count: int) -> None:
    table = HashTable(random_hashes(count, seed=1), np.arange(count, dtype=np.uint64), limit=count)
    assert len(table._first) + len(table._second) <= 3.2 * count
