"""`python -m service rollout`: the labels of a model's versions, and which version answers."""

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from service.errors import ServiceError
from service.inference.bundle import find_versions, one_line
from service.models.rollout import ROLLOUT_FILE, Rollout, parse_rollout, read_rollout, written
from service.models.rollouts import Versions, check_rollout
from service.replacement import replace_file
from service.settings import Settings
from service.versions import Version, parse_version

WAIT_SECONDS = 60.0
"""Time for every process to follow a change."""

_POLL_SECONDS = 0.05

Change = Callable[[Rollout], dict[str, Any]]
"""Makes the changed members of a rollout."""


class RolloutError(ServiceError):
    """A rollout cannot be shown or changed."""


def show(settings: Settings) -> str:
    """Describe the rollout of the model of the settings, as its file says it.

    Raises:
        ServiceError: there is no such model, or its file cannot be used.
    """
    numbers = list(find_versions(settings.models_dir, settings.model))
    rollout = read_rollout(settings.models_dir / settings.model)
    shares = rollout.served(numbers)
    lines = [f"{settings.model}:"]
    for number in numbers:
        labels = [label for label, labelled in rollout.labels.items() if labelled == number]
        if share := shares.get(number, 0.0):
            labels.append("answers every request" if share == 1 else f"answers {100 * share:.3g} % of the requests")
        if rollout.shadow and rollout.number(rollout.shadow.version) == number:
            labels.append(f"shadow, reads {100 * rollout.shadow.share:.3g} % of the texts")
        lines.append(f"  {number}" + (f"  {', '.join(labels)}" if labels else ""))
    return "\n".join(lines)


def change(settings: Settings, make: Change, wait: bool) -> str:
    """Change the rollout of the model of the settings.

    Args:
        settings: name the models folder and the model, and say where the service is.
        make: makes the change.
        wait: whether to wait until every process follows.

    Returns:
        What is in the file now.

    Raises:
        ServiceError: the change is refused, or not every process follows in time.
    """
    if settings.models_store:
        raise RolloutError(f"The models are in {settings.models_store}; write {settings.model}/{ROLLOUT_FILE} there.")
    numbers = list(find_versions(settings.models_dir, settings.model))
    path = settings.models_dir / settings.model / ROLLOUT_FILE
    before = read_rollout(path.parent)
    content = json.dumps({**before.fields(), **make(before)}).encode()
    rollout = parse_rollout(content, path)
    check_rollout(rollout, path, Versions(numbers, numbers))
    content = written(rollout)
    try:
        replace_file(path, content)
    except OSError as error:
        raise RolloutError(f"{path}: cannot be written: {error.strerror}.") from error
    if wait:
        _wait(settings, hashlib.sha256(content).hexdigest())
    return show(settings)


def labelled(label: str, version: str | None) -> Change:
    """Make the change that gives a label to a version, or with None removes it.

    Raises:
        RolloutError: on use, if there is no such label.
    """

    def make(rollout: Rollout) -> dict[str, Any]:
        labels = dict(rollout.labels)
        if version is not None:
            return {"labels": {**labels, label: _number(rollout, version)}}
        if labels.pop(label, None) is None:
            raise RolloutError(f"There is no label {label!r}; there is {', '.join(labels) or 'none'}.")
        return {"labels": labels}

    return make


def serving(version: str | None) -> Change:
    """Make the change that lets one version answer, or with None the highest."""
    served = None if version is None else _version(version)
    return lambda _: {"serve": served}


def splitting(parts: tuple[str, ...]) -> Change:
    """Make the change that divides the requests.

    Args:
        parts: `VERSION=WEIGHT`, where the version may be a label.

    Raises:
        RolloutError: a part is something else.
    """
    weights: dict[str, float] = {}
    for part in parts:
        version, _, weight = part.partition("=")
        try:
            weights[str(_version(version))] = float(weight) if "." in weight else int(weight)
        except ValueError as error:
            raise RolloutError(f"{part!r:.80} should be VERSION=WEIGHT, such as stable=95.") from error
    return lambda _: {"serve": weights}


def shadowing(version: str | None, share: float) -> Change:
    """Make the change that lets a version read a share of the answered texts, or with None none."""
    rule = None if version is None else {"version": _version(version), "share": share}
    return lambda _: {"shadow": rule}


def _version(text: str) -> Version:
    try:
        return parse_version(text)
    except ValueError as error:
        raise RolloutError(f"{error}.") from error


def _number(rollout: Rollout, version: str) -> int:
    try:
        return rollout.number(_version(version))
    except ValueError as error:
        raise RolloutError(f"{one_line(error)}.") from error


def _wait(settings: Settings, revision: str) -> None:
    """Wait until every process of the service has read the file.

    Raises:
        RolloutError: the service does not answer, refuses the file or does not follow.
    """
    until = time.monotonic() + WAIT_SECONDS
    while True:
        state = _state(settings)
        if state["revision"] == revision:
            if state["refusal"]:
                raise RolloutError(f"The service refuses it: {state['refusal']}")
            if state["following"] == state["processes"]:
                return
        if time.monotonic() > until:
            raise RolloutError(
                f"After {WAIT_SECONDS:g} seconds {state['following']} of {state['processes']} processes follow; "
                "does the service read this models folder?"
            )
        time.sleep(_POLL_SECONDS)


def _state(settings: Settings) -> dict[str, Any]:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (compared, not bound)
    host = f"[{host}]" if ":" in host else host
    url = f"http://{host}:{settings.port}{settings.root_path}/models/{settings.model}/rollout"
    keys = settings.api_keys.get_secret_value().split(",") if settings.api_keys else []
    headers = {"Authorization": f"Bearer {keys[0].strip()}"} if keys else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        advice = " SENTIMENT_API_KEYS gives the key." if error.code == 401 else ""
        raise RolloutError(f"The file is written; {url} answers {error.code}: {_detail(error)}{advice}") from error
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "reason", error))
        raise RolloutError(
            f"The file is written; nothing answers at {url}: {reason}. --host and --port say where the service is."
        ) from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, LookupError, TypeError):
        return one_line(error.reason)
