"""The check before a measurement: that a server's answers are those of the bundle."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from bench.peers.errors import PeerError
from bench.usual_model import UsualModel
from service.inference.bundle import Bundle
from service.inference.predictor import Predictor

TOLERANCE = 1e-5
"""Largest difference of a probability, for servers of the reference graph."""
AT_ONCE = 16
ODD = (
    "film",
    "A film of " + "very " * 1_200 + "many words.",
    "Zyxwvut qqq!",
    "¿Una película? 좋아요",
    "It\tis\nnot good.",
)


def expected_answers(bundle: Bundle, texts: Sequence[str]) -> dict[str, float]:
    """The probability by the bundle's reference graph of each text, and of odd ones, that the plain loop reads alike.

    The service's tokenizer reads typographic characters as people do; the servers of the fixed-length graph do not.
    """
    predictor, plain = Predictor.load(bundle, "reference"), UsualModel(bundle, threads=1)
    asked = list(dict.fromkeys([*ODD, *texts]))
    pairs = zip(asked, predictor.encode(asked), strict=True)
    alike = [text for text, encoded in pairs if plain.token_ids(text) == encoded.token_ids.tolist()]
    predictions = predictor.predict(alike)
    return {text: prediction.probability for text, prediction in zip(alike, predictions, strict=True)}


def service_tolerance(bundle: Bundle) -> float:
    """The largest difference that the manifest states of any graph that the service may serve."""
    graphs = bundle.manifest.graphs.values()
    return max(TOLERANCE, *(float(graph.metrics["max_difference_to_keras"]) for graph in graphs))


def check_answers(address: str, expected: dict[str, float], tolerance: float) -> None:
    """Compare a server's answers, many at once so that they come in batches.

    Raises:
        PeerError: one of them is not a prediction, or further from the expected probability than the tolerance.
    """
    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(AT_ONCE) as threads:
        responses = threads.map(lambda text: client.post(f"{address}/predict", json={"text": text}), expected)
        for (text, probability), response in zip(expected.items(), responses, strict=True):
            if response.status_code != 200:
                raise PeerError(f"answers {response.status_code} to {text[:40]!r}")
            try:
                found = response.json()
                answer = found[0] if isinstance(found, list) else found
                label, given = answer["label"], float(answer["probability"])
            except (LookupError, TypeError, ValueError) as error:
                raise PeerError(f"answers {response.text[:80]} to {text[:40]!r}") from error
            if not abs(given - probability) <= tolerance:
                raise PeerError(f"answers {given:.6f} to {text[:40]!r}, not {probability:.6f}")
            if label != ("positive" if given >= 0.5 else "negative"):
                raise PeerError(f"answers {label!r} to {text[:40]!r} at {given:.6f}")
