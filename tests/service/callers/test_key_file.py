from hashlib import sha256

import pytest

from service.callers.key_file import ApiKey, KeyLineError, parse_keys


def digest(key: str) -> bytes:
    return sha256(key.encode()).digest()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("secret", ApiKey(digest("secret"))),
        ("  secret \t", ApiKey(digest("secret"))),
        ("shop secret", ApiKey(digest("secret"), "shop")),
        ("shop secret 5", ApiKey(digest("secret"), "shop", 5)),
        ("shop secret - 500", ApiKey(digest("secret"), "shop", None, 500)),
        ("shop\tsecret  0.5 500 high", ApiKey(digest("secret"), "shop", 0.5, 500, "high")),
        ("shop secret low", ApiKey(digest("secret"), "shop", urgency="low")),
        ("shop secret 5 normal", ApiKey(digest("secret"), "shop", 5)),
        (f"shop sha256:{sha256(b'secret').hexdigest()}", ApiKey(digest("secret"), "shop")),
        (f"sha256:{sha256(b'secret').hexdigest().upper()}", ApiKey(digest("secret"))),
    ],
)
def test_a_line_is_a_key_or_a_name_and_a_key_with_limits(line: str, key: ApiKey) -> None:
    assert parse_keys(["# of the shop", "", line, "   "]) == [key]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("my/shop hunter2", "the name"),
        ("shop hunter2 0", "numbers above 0"),
        ("shop hunter2 -5", "numbers above 0"),
        ("shop hunter2 1e3", "numbers above 0"),
        ("shop hunter2 5 5 5", "numbers above 0"),
        ("shop hunter2 urgent", "a priority (high, normal, low)"),
        ("shop hunter2 high 5", "numbers above 0"),
        ("shop sha256:hunter2", "64 hexadecimal digits"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_without_what_is_in_it(line: str, reason: str) -> None:
    with pytest.raises(KeyLineError) as refused:
        parse_keys(["# keys", "lab other-key", line])
    assert str(refused.value).startswith("line 3: ")
    assert reason in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(KeyLineError, match="line 2: this is the key of line 1"):
        parse_keys(["shop secret", f"lab sha256:{sha256(b'secret').hexdigest()}"])
