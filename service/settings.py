"""Every setting of the service: from flags, the environment (prefix `SENTIMENT_`), or its default here."""

from pathlib import Path
from textwrap import wrap
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.errors import ServiceError
from service.inference.languages import AUTO

ENV_PREFIX = "SENTIMENT_"
Precision = Literal["auto", "int8", "float32", "reference"]


class SettingsError(ServiceError):
    """A setting has a value that it cannot take."""


class Settings(BaseSettings):
    """The field's name in capitals, after the prefix, is its variable; with hyphens it is its flag."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    host: Annotated[str, Field(description="Address to listen on; 0.0.0.0 is every network of this machine.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Field(ge=0, le=65535, description="Port to listen on; 0 picks a free one.")] = 8000
    workers: Annotated[
        int | None,
        Field(ge=1, description="Processes that serve requests; without it one for each core, but no more than 8."),
    ] = None
    models_dir: Annotated[Path, Field(description="Folder of bundles: <name>/<version>/manifest.json.")] = Path(
        "models"
    )
    model: Annotated[
        str,
        Field(
            description="Name of the model that answers when a request names none; auto: for each text the one that "
            "reads its script, as the Korean model reads Hangul."
        ),
    ] = "imdb-conv1d"
    model_version: Annotated[
        int | None, Field(ge=1, description="Its version; without one, the highest that is there.")
    ] = None
    watch_models: Annotated[
        bool,
        Field(
            description="Whether the models folder is read again when something in it has changed; otherwise at SIGHUP."
        ),
    ] = False
    precision: Annotated[
        Precision,
        Field(
            description="Which graph of a bundle computes: int8, float32, reference (as it was exported), or auto: "
            "int8 where a bundle has it and the processor is good at it."
        ),
    ] = "auto"
    threads: Annotated[
        int | None,
        Field(ge=1, description="Inference threads of each process; without it so many that every core has one."),
    ] = None
    max_text_chars: Annotated[int, Field(ge=1, description="Characters that one text may have.")] = 100_000
    max_texts: Annotated[int, Field(ge=1, description="Texts that one request may have.")] = 1_000
    max_explained_words: Annotated[
        int, Field(ge=1, description="Words that a text may have to be explained: each is one more text to score.")
    ] = 2_000
    max_body_bytes: Annotated[int, Field(ge=1, description="Bytes that a request's body may have.")] = 16_000_000
    max_requests: Annotated[
        int, Field(ge=1, description="Requests that one process works on; more are refused with 503.")
    ] = 1_000
    max_line_bytes: Annotated[
        int, Field(ge=1, description="Bytes that a line of a file (of CSV: a row) may have; longer ones are errors.")
    ] = 1_000_000
    stream_idle_seconds: Annotated[
        float, Field(gt=0, description="Time that a file may stop coming in, or going out, before it is cut off.")
    ] = 60.0
    max_waiting_texts: Annotated[
        int, Field(ge=1, description="Texts that may wait for inference in one process; more are refused with 503.")
    ] = 10_000
    max_header_bytes: Annotated[
        int, Field(ge=1_000, description="Bytes that a request's line and headers may have.")
    ] = 32_000
    header_seconds: Annotated[
        float, Field(gt=0, description="Time that a connection has to send a request's headers.")
    ] = 10.0
    body_seconds: Annotated[
        float, Field(gt=0, description="Time that a request has to send its body, streams excepted.")
    ] = 20.0
    timeout_seconds: Annotated[
        float,
        Field(gt=0, description="Time after which a request is given up with 504; X-Request-Timeout asks for less."),
    ] = 30.0
    drain_seconds: Annotated[
        float,
        Field(
            ge=0,
            description="Time between SIGTERM and the end of listening: /health/ready answers 503 and connections are "
            "closed after their next answer, so that a load balancer turns elsewhere.",
        ),
    ] = 1.0
    shutdown_seconds: Annotated[
        int, Field(ge=0, description="Time that requests in work get to finish after that.")
    ] = 30
    api_keys: Annotated[
        SecretStr | None,
        Field(
            description="Keys, separated by commas; one of them is then needed for all but the health routes, as "
            "Authorization: Bearer KEY. As a flag it can be read by others on this machine: prefer the variable."
        ),
    ] = None
    api_keys_file: Annotated[
        Path | None, Field(description="File of more keys, one a line; lines that begin with # are comments.")
    ] = None
    cors_origins: Annotated[
        str | None,
        Field(description="Origins, separated by commas, whose pages may call the service from a browser; * for all."),
    ] = None
    tracing: Annotated[
        bool,
        Field(description="OpenTelemetry traces, set up by its own OTEL_ variables; needs the extra 'tracing'."),
    ] = False
    request_log: Annotated[bool, Field(description="Whether each request gets a log line.")] = True
    log_format: Annotated[
        Literal["auto", "json", "text"],
        Field(description="Log lines for machines or people; auto: people if standard error is a terminal."),
    ] = "auto"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="Least serious log lines shown.")
    ] = "info"

    @field_validator("model_version")
    @classmethod
    def _of_a_model(cls, version: int | None, info: ValidationInfo) -> int | None:
        if version is not None and info.data.get("model") == AUTO:
            raise ValueError("it needs the name of a model, and auto is none")
        return version

    @classmethod
    def load(cls, **flags: object) -> Self:
        """Settings from the environment, with the given flags before it.

        Raises:
            SettingsError: naming the variable and what is wrong with its value.
        """
        try:
            return cls(**flags)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            raise SettingsError(
                f"{ENV_PREFIX}{name.upper()} (--{name.replace('_', '-')}) is {first['input']!r}: {first['msg']}."
            ) from error


def env_file() -> str:
    """Every setting as a comment that shows its default, for a file of variables such as `.env`."""
    lines = ["# Every setting and its default; this file is what `python -m service settings` prints."]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        value = str(default).lower() if isinstance(default, bool) else str(default)
        lines += ["", *wrap(str(field.description), 118, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"#{ENV_PREFIX}{name.upper()}={value}")
    return "\n".join(lines) + "\n"
