"""The check before a measurement: that a server's answers are those of the bundle."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from service.inference.bundle import Bundle, open_bundle
from service.inference.predictor import Predictor

TOLERANCE = 1e-5
"""Of a probability, for servers of the reference graph."""
AT_ONCE = 16
ODD = ("film", "A film of " + "very " * 1_200 + "many words.", "Zyxwvut qqq!", "¿Una película? 좋아요", "It\tis\nnot good.")


class AnswerError(RuntimeError):
    """A server says something else than the bundle."""


def expected_answers(bundle: Path, texts: Sequence[str]) -> dict[str, float]:
    """The probability of each text, and of odd ones, by the bundle's reference graph."""
    asked = list(dict.fromkeys([*ODD, *texts]))
    predictions = Predictor.load(open_bundle(bundle), "reference").predict(asked)
    return {text: prediction.probability for text, prediction in zip(asked, predictions, strict=True)}


def service_tolerance(bundle: Bundle) -> float:
    """The largest difference that the manifest states of any graph that the service may serve."""
    graphs = bundle.manifest.graphs.values()
    return max(TOLERANCE, *(float(graph.metrics["max_difference_to_keras"]) for graph in graphs))


def check_answers(address: str, expected: dict[str, float], tolerance: float) -> None:
    """Compare a server's answers, many at once so that they come in batches.

    Raises:
        AnswerError: one of them is not a prediction, or further from the expected probability than the tolerance.
    """
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        responses = threads.map(lambda text: client.post(f"{address}/predict", json={"text": text}), expected)
        for (text, probability), response in zip(expected.items(), responses, strict=True):
            if response.status_code != 200:
                raise AnswerError(f"answers {response.status_code} to {text[:40]!r}")
            answer = response.json()
            if isinstance(answer, list):
                (answer,) = answer
            if not abs(answer["probability"] - probability) <= tolerance:
                raise AnswerError(f"answers {answer['probability']:.6f} to {text[:40]!r}, not {probability:.6f}")
            if answer["label"] != ("positive" if answer["probability"] >= 0.5 else "negative"):
                raise AnswerError(f"answers {answer['label']!r} to {text[:40]!r} at {answer['probability']:.6f}")
