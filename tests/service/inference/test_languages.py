from pathlib import Path

import pytest

from service.inference.languages import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("정말 재미있는 영화", "ko"),
        ("ㅋㅋㅋㅋ", "ko"),
        ("\u1112\u1161\u11ab", "ko"),  # decomposed, as some systems write file names
        ("The Dark Knight 최고의 영화", "ko"),
        ("cg 대박", "ko"),
        ("I loved every minute of it.", "en"),
        ("기생충 is a masterpiece of a film", "en"),
        ("café", "en"),
        ("この映画は最高だった", None),
        ("Отличный фильм", None),
        ("10/10 !!! 😀", None),
        ("", None),
    ],
)
def test_the_script_of_most_letters_tells_the_language(text: str, language: str | None) -> None:
    assert language_of(text) == language


def test_a_long_text_is_judged_by_its_beginning() -> None:
    assert language_of("좋은 영화 " * 1000 + "a" * 100_000) == "ko"


def test_nearly_all_real_reviews_are_told_rightly(nsmc_data_dir: Path) -> None:
    lines = (nsmc_data_dir / "ratings_test.txt").read_bytes().decode().split("\n")[1:-1]
    languages = [language_of(line.split("\t")[1]) for line in lines]
    assert languages.count("ko") / len(languages) > 0.99
