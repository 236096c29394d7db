"""Runs of sentences out of reviews, and batches."""

import numpy as np

from training.taught.pieces import batches_of_like_length, random_piece, runs
from training.taught.reviews import sentences

REVIEW = 'I went in cold.<br /><br />It was "fun." Was it good? Yes!\nThe end'


def test_sentences_end_at_stops_and_line_breaks() -> None:
    assert sentences(REVIEW) == ["I went in cold.", 'It was "fun.', "Was it good?", "Yes!", "The end"]


def test_runs_cover_a_review_once() -> None:
    cut = runs(REVIEW, (0.5, 0.5), np.random.default_rng(0))
    assert " ".join(cut) == " ".join(sentences(REVIEW))
    assert {len(sentences(run)) for run in cut} <= {1, 2}


def test_a_piece_is_whole_sentences_that_follow_each_other() -> None:
    whole = " ".join(sentences(REVIEW))
    pieces = {random_piece(REVIEW, (2, 12), np.random.default_rng(seed)) for seed in range(40)}
    assert len(pieces) > 5
    assert all(piece in whole for piece in pieces)
    assert random_piece("...", (2, 12), np.random.default_rng(0)) == "..."  # a review without a sentence


def test_batches_hold_every_text_once_within_their_budget() -> None:
    lengths = np.random.default_rng(1).integers(1, 50, 300).tolist()
    batches = batches_of_like_length(lengths, 100, np.random.default_rng(2))
    assert sorted(row for batch in batches for row in batch) == list(range(300))
    assert max(len(batch) * max(lengths[row] for row in batch) for batch in batches) <= 100
