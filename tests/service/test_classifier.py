"""The use case: classify texts."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.backlog import Backlog
from service.classifier import Classifier, Limits
from service.errors import BlankTextError, ModelNotFoundError, OverloadedError, TooManyTextsError
from service.inference.bundle import open_bundle
from service.inference.predictor import Predictor
from service.models.registry import Registry
from service.scheduler import Scheduler
from tests.service.conftest import BundleFolder

Test = Callable[[Classifier], Awaitable[None]]


def classifying(small: BundleFolder, test: Test, backlog: Backlog | None = None) -> None:
    """Run a test with a classifier of the small model."""
    registry = Registry([Predictor.load(open_bundle(small.path), "float32")], "small")

    async def run() -> None:
        scheduler = Scheduler(threads=1)
        scheduler.start()
        limits = Limits(max_texts=3, max_text_chars=100)
        await test(Classifier(lambda: registry, scheduler, backlog or Backlog(1_000, 10_000), limits))
        await scheduler.close()

    asyncio.run(run())


def test_texts_are_answered_in_order_alike_in_bulk_and_alone(small: BundleFolder) -> None:
    texts = ["bad", "good film", "good"]

    async def test(classifier: Classifier) -> None:
        choice = classifier.select()
        together = await classifier.classify(choice, texts)
        assert [prediction.label for prediction in together] == ["negative", "positive", "positive"]
        assert await classifier.classify_bulk(choice, texts) == together
        assert [(await classifier.classify(choice, [text]))[0] for text in texts] == together

    classifying(small, test)


def test_a_text_that_is_refused_is_located_by_the_caller(small: BundleFolder) -> None:
    async def test(classifier: Classifier) -> None:
        with pytest.raises(BlankTextError) as blank:
            await classifier.validate(["good", " "], lambda position: f"inputs[{position}]")
        assert blank.value.pointer == "inputs[1]"
        with pytest.raises(TooManyTextsError) as many:
            await classifier.validate(["good"] * 4)
        assert many.value.pointer == "/texts"

    classifying(small, test)


def test_an_unknown_model_is_refused(small: BundleFolder) -> None:
    async def test(classifier: Classifier) -> None:
        with pytest.raises(ModelNotFoundError, match="small"):
            classifier.select("large")

    classifying(small, test)


def test_a_full_backlog_refuses_requests_but_no_stream(small: BundleFolder) -> None:
    backlog = Backlog(max_texts=1, max_chars=100)

    async def test(classifier: Classifier) -> None:
        choice = classifier.select()
        chars = backlog.enter(["waiting"])
        with pytest.raises(OverloadedError):
            await classifier.classify(choice, ["good"])
        assert len(await classifier.classify_bulk(choice, ["good"])) == 1
        backlog.leave(1, chars)
        assert len(await classifier.classify(choice, ["good"])) == 1
        assert (backlog.texts, backlog.chars) == (0, 0)

    classifying(small, test, backlog)


def test_a_request_that_is_given_up_gives_its_places_back(small: BundleFolder) -> None:
    backlog = Backlog(max_texts=1_000, max_chars=10_000)

    async def test(classifier: Classifier) -> None:
        request = asyncio.create_task(classifier.classify(classifier.select(), ["good"]))
        await asyncio.sleep(0)
        assert (backlog.texts, backlog.chars) == (1, 4)
        request.cancel()
        await asyncio.wait([request])
        assert (backlog.texts, backlog.chars) == (0, 0)

    classifying(small, test, backlog)
