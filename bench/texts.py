"""The texts that are scored: real test reviews where there are any, else reviews put together from these sentences."""

import os
import random
from pathlib import Path

SENTENCES = (
    "I went in expecting very little and came out humming the music and thinking about the ending for days.",
    "The plot makes no sense, and by the second hour nobody on the screen seems to care either.",
    "She carries every scene with a look, a pause, a half smile, and the camera knows it.",
    "There is a good film somewhere in here, but the editing has buried it under three subplots too many.",
    "What a waste of a great cast!",
    "My kids laughed from start to finish, and so did their grandfather, who never laughs at anything.",
    "The dialogue sounds as if it had been translated twice and then read aloud by people in a hurry.",
    "It isn't perfect - the middle drags a little - but the last twenty minutes are worth the ticket alone.",
    "I have seen better acting in adverts for washing powder.",
    "Beautifully shot, quietly funny, and braver than it has any need to be.",
    "Not bad at all, though I wouldn't watch it again.",
    "If you liked the book, stay away; if you haven't read the book, read it instead.",
    "The special effects look cheap, the story is cheap, and the ticket was not.",
    "Ten years later I still remember where I was sitting when the lights came up.",
    "Someone should have told the director that louder is not the same as scarier.",
    "A small, warm, honest picture about a man who learns to listen.",
)


KOREAN_WORDS = (
    "정말",
    "재미있는",
    "영화",
    "지루하고",
    "시간",
    "아까워요",
    "배우",
    "연기가",
    "좋았지만",
    "스토리는",
    "별로",
)


def reviews(count: int) -> tuple[list[str], str]:
    """So many full reviews, and where they come from."""
    folder = os.environ.get("IMDB_DATA_DIR")
    path = Path(folder) / "reviews.parquet" if folder else None
    if path and path.is_file():
        from pyarrow.parquet import read_table

        texts: list[str] = read_table(path, columns=["text"])["text"].to_pylist()[25_000:]
        return random.Random(1).sample(texts, count), "real test reviews"
    return [_made_up(random.Random(seed)) for seed in range(count)], "made-up reviews of the same lengths"


def korean_reviews(count: int) -> list[str]:
    """So many Korean reviews: real test reviews where there are any, else made of a few words."""
    folder = os.environ.get("NSMC_DATA_DIR")
    path = Path(folder) / "ratings_test.txt" if folder else None
    if path and path.is_file():
        rows = path.read_text(encoding="utf-8").split("\n")[1:-1]
        return random.Random(1).sample([row.split("\t")[1] for row in rows], count)
    return [" ".join(random.Random(seed).choices(KOREAN_WORDS, k=8)) for seed in range(count)]


def shortened(texts: list[str], words: int) -> list[str]:
    """The first words of each."""
    return [" ".join(text.split()[:words]) for text in texts]


def _made_up(chance: random.Random) -> str:
    words = min(2_000, max(10, int(chance.lognormvariate(5.17, 0.65))))  # IMDB's reviews: median 175, mean 230
    text: list[str] = []
    while len(text) < words:
        text += chance.choice(SENTENCES).split()
    return " ".join(text[:words])
