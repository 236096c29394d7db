"""Every route of the OpenAPI document, with what the document allows and what it does not."""

import subprocess
import sys
from pathlib import Path

import httpx

from tests.service.conftest import BundleFolder
from tests.service.running import ENVIRONMENT, running

# Left out is only that whatever fits the schema be accepted: a schema cannot say that a text must not be blank.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "missing_required_header",
    "negative_data_rejection",
]


def test_no_request_gets_a_server_error_or_an_answer_that_is_not_documented(
    small: BundleFolder, tmp_path: Path
) -> None:
    flags = ["--models-dir", str(small.path.parents[1]), "--model", "small", "--workers", "1"]
    hooks = tmp_path / "hooks.py"  # it does not know that this media type is text
    hooks.write_text(
        "import schemathesis\n"
        "schemathesis.serializer.alias(['application/x-ndjson', 'text/tab-separated-values'], 'text/plain')\n"
        "@schemathesis.hook\n"
        "def filter_case(context, case):\n"
        "    given = {name.lower(): str(value).strip() for name, value in (case.headers or {}).items()}\n"
        "    return given.get('inference-header-content-length', 'none').strip('0') != ''\n"
        "@schemathesis.hook\n"
        "def filter_body(context, body):\n"  # of a file: a number is the text of its digits
        "    return context.operation.path != '/predict/batch' or isinstance(body, str | bytes)\n"
    )
    # With the header Inference-Header-Content-Length any bytes are a text, with 0 all of them: no schema can say so.
    (tmp_path / "schemathesis.toml").write_text(
        '[[operations]]\ninclude-path-regex = "/infer$"\nchecks.negative_data_rejection.enabled = false\n'
    )
    with running(*flags, "--body-seconds", "2", "--stream-idle-seconds", "2") as service:
        paths = httpx.get(f"{service.address}/openapi.json").json()["paths"]
        operations = sum(len(methods) for methods in paths.values())
        schemathesis = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.address}/openapi.json"]
        options = ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "30"]
        done = subprocess.run(
            [*schemathesis, *options, "--request-timeout", "20", "--no-color"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**ENVIRONMENT, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)},
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Tested: {operations}" in done.stdout
    assert "Traceback" not in "".join(service.log)
