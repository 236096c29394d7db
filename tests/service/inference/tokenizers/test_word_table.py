import numpy as np
import pytest

from service.inference.hash_table import _cuckoo_tables, _slots
from service.inference.tokenizers.word_table import WordTable, hash_words


def test_a_word_is_found_and_another_is_not() -> None:
    table = WordTable(b"good\nfilm", np.array([4, 5], np.uint64), limit=6)
    hashes, ends = hash_words(b" film, bad GOOD ")
    assert ends.tolist() == [5, 6, 10, 15]
    ids = table.look_up(hashes)
    assert [int(i) if i < table.limit else None for i in ids] == [5, None, None, 4]


def test_where_a_word_stands_does_not_change_its_hash() -> None:
    hashes, _ = hash_words(b" film" * 1_000 + b" ")
    assert len(np.unique(hashes)) == 1


def test_every_one_of_many_words_is_found() -> None:
    words = [f"word{i}".encode() for i in range(20_000)]
    ids = np.arange(4, 20_004, dtype=np.uint64)
    table = WordTable(b"\n".join(words), ids, limit=20_004)
    hashes, _ = hash_words(b" %b " % b" ".join(words))
    assert table.look_up(hashes).tolist() == ids.tolist()


def test_hashes_that_share_their_slots_get_a_larger_table() -> None:
    hashes = (np.arange(8, dtype=np.uint64) << np.uint64(6)) + np.uint64(5)  # a small table has one slot for them all
    ids = np.arange(8, dtype=np.uint64) + np.uint64(4)
    tables, bits = _cuckoo_tables(hashes, ids)
    first, second = _slots(hashes, bits)
    assert sum(bits) > 8
    assert np.minimum(hashes - tables[0][first], hashes - tables[1][second]).tolist() == ids.tolist()


@pytest.mark.parametrize("words", [[b"the", b"the"], [b"the", b"THE"], [b"two words"], [b"the", b""]])
def test_words_that_cannot_be_told_apart_are_refused(words: list[bytes]) -> None:
    with pytest.raises(ValueError, match="one hash, or a word is empty or holds a separator"):
        WordTable(b"\n".join(words), np.arange(4, 4 + len(words), dtype=np.uint64), limit=9)
