"""Asks a service by the clients of KServe and infinity, and checks manifests by KServe's models.

Runs in the Python that has them: `ask.py kserve ADDRESS` and `ask.py infinity ADDRESS` print answers and errors as
JSON, `ask.py check FILE KIND` what is wrong in a manifest, a line each.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import infinity_client
import kserve
import kubernetes.client
import yaml
from infinity_client.api.default import classify
from infinity_client.errors import UnexpectedStatus
from infinity_client.models import ClassifyInput


async def ask_kserve(address: str) -> dict[str, Any]:
    """Return what the client gives for right and wrong requests in V1 mode."""
    client = kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v1"))
    told: dict[str, Any] = {
        "answer": await client.infer(address, {"instances": ["good", "bad"]}, model_name="small"),
        "ready": await client.is_model_ready(address, "small"),
        "errors": [],
    }
    for text, name in ((" ", "small"), ("good", "other")):
        try:
            await client.infer(address, {"instances": [text]}, model_name=name)
        except Exception as error:
            told["errors"].append([f"{type(error).__module__}.{type(error).__name__}", str(error)])
    return told


def ask_infinity(address: str) -> dict[str, Any]:
    """Return what infinity's client gives for right and wrong requests."""
    told: dict[str, Any] = {"answers": [], "errors": []}
    for place, body in (
        ("", ClassifyInput(["good", "bad"])),
        ("/infinity", ClassifyInput.from_dict({"input": ["bad"]})),
    ):
        with infinity_client.Client(address + place, raise_on_unexpected_status=True) as client:
            result: Any = classify.sync(client=client, body=body)
            told["answers"].append([scores[0].label for scores in result.data])
            for wrong in (ClassifyInput([" "]), ClassifyInput(["good"], "other")):
                try:
                    classify.sync(client=client, body=wrong)
                except UnexpectedStatus as error:
                    told["errors"].append([error.status_code, error.content.decode()])
    return told


def faults(value: Any, kind: str, place: str) -> list[str]:
    """Return the fields of a manifest that the model of its kind does not have, and values of another type."""
    if of := re.fullmatch(r"list\[(.+)\]", kind):
        return [fault for n, each in enumerate(value) for fault in faults(each, of[1], f"{place}[{n}]")]
    if of := re.fullmatch(r"dict\(str, (.+)\)", kind):
        return [fault for name, each in value.items() for fault in faults(each, of[1], f"{place}.{name}")]
    model: Any = getattr(kserve, kind, None) or getattr(kubernetes.client, kind, None)
    if not hasattr(model, "openapi_types"):
        simple = {"str": str, "int": int, "bool": bool}.get(kind, object)
        return [] if isinstance(value, simple) else [f"{place}: {value!r} is no {kind}"]
    if not isinstance(value, dict):
        return [f"{place}: {value!r} is no {kind}"]
    names = {name: attribute for attribute, name in model.attribute_map.items()}
    found = [f"{place}: {kind} has no {name}" for name in value if name not in names]
    for name, each in value.items():
        if name in names:
            found += faults(each, model.openapi_types[names[name]], f"{place}.{name}")
    return found


if __name__ == "__main__":
    if sys.argv[1] == "kserve":
        print(json.dumps(asyncio.run(ask_kserve(sys.argv[2]))))
    elif sys.argv[1] == "infinity":
        print(json.dumps(ask_infinity(sys.argv[2])))
    else:
        print("\n".join(faults(yaml.safe_load(Path(sys.argv[2]).read_text()), sys.argv[3], "")))
