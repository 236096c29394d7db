"""Every setting of the service: from flags, the environment (prefix `SENTIMENT_`), or its default here.

A few also have variables that platforms set in every container (`PLATFORM_VARIABLES`).
"""

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from textwrap import wrap
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service.errors import ServiceError
from service.inference.languages import AUTO
from service.versions import SettingVersion, Version

ENV_PREFIX = "SENTIMENT_"
PLATFORM_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "port": ("AIP_HTTP_PORT", "PORT"),
    "health_route": ("AIP_HEALTH_ROUTE",),
    "predict_route": ("AIP_PREDICT_ROUTE",),
}
"""Variables of platforms by setting; the first that is set counts, after the setting's own variable.

Source: Vertex AI, "Custom container requirements for inference" (AIP_…); Cloud Run, "Container runtime contract".
"""

Precision = Literal["auto", "int8", "float32", "reference"]


class SettingsError(ServiceError):
    """A setting has a value that it cannot take."""


class Settings(BaseSettings):
    """The field's name in capitals, after the prefix, is its variable; with hyphens it is its flag."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    host: Annotated[str, Field(description="Address to listen on; 0.0.0.0 is every network of this machine.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int,
        Field(
            ge=0,
            le=65535,
            description="Port to listen on; 0 picks a free one. Without it AIP_HTTP_PORT or PORT, if a platform sets "
            "one.",
        ),
    ] = 8000
    workers: Annotated[
        int | None,
        Field(ge=1, description="Processes that serve requests; without it one for each core, but no more than 8."),
    ] = None
    models_dir: Annotated[
        Path,
        Field(
            description="Folder of bundles: <name>/<version>/manifest.json. An address such as s3://bucket/models, "
            "gs://, hf:// or https:// is a store, whose bundles are fetched before the start; needs the extra 'stores'."
        ),
    ] = Path("models")
    models_store: Annotated[
        str | None, Field(pattern="://", description="The same address; models_dir is then the folder for the copies.")
    ] = None
    model: Annotated[
        str,
        Field(
            description="Name of the model that answers when a request names none; auto: for each text the one that "
            "reads its script, as the Korean model reads Hangul."
        ),
    ] = "imdb-conv1d"
    model_version: Annotated[
        SettingVersion,
        Field(
            description="Its version, or a label; without one what its rollout.json serves, or the highest there is."
        ),
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
        Field(
            ge=1,
            description="Inference threads of each process; without it so many that every core has one, and beside "
            "several processes further ones that compute files and long lists with what these leave of the cores.",
        ),
    ] = None
    max_text_chars: Annotated[int, Field(ge=1, description="Characters that one text may have.")] = 100_000
    max_texts: Annotated[int, Field(ge=1, description="Texts that one request may have.")] = 1_000
    max_explained_words: Annotated[
        int, Field(ge=1, description="Words that a text may have to be explained: each is one more text to score.")
    ] = 2_000
    max_body_bytes: Annotated[int, Field(ge=1, description="Bytes that a request's body may have.")] = 4_000_000
    max_requests: Annotated[
        int, Field(ge=1, description="Requests that one process works on; more are refused with 503.")
    ] = 1_000
    max_streams: Annotated[
        int, Field(ge=1, description="Files that one process works on beside them; more are refused with 503.")
    ] = 100
    max_held_bytes: Annotated[
        int,
        Field(
            ge=1,
            description="Bytes that the bodies of all requests of one process may have together; more are refused "
            "with 503.",
        ),
    ] = 256_000_000
    max_connections: Annotated[
        int,
        Field(
            ge=1,
            description="Connections of one process; beyond them idle ones are closed, and if there are none only "
            "health is answered. Fewer, if the process may not open as many files.",
        ),
    ] = 1_000
    max_line_bytes: Annotated[
        int, Field(ge=1, description="Bytes that a line of a file (of CSV: a row) may have; longer ones are errors.")
    ] = 1_000_000
    max_columns: Annotated[int, Field(ge=1, description="Columns that a CSV file may have.")] = 1_000
    spool_bytes: Annotated[
        int,
        Field(
            ge=0,
            description="Bytes of answers that one process may keep in temporary files, until clients that send their "
            "whole file before they read (most proxies do) have done so.",
        ),
    ] = 1_000_000_000
    stream_idle_seconds: Annotated[
        float, Field(gt=0, description="Time that a file may stop coming in, or going out, before it is cut off.")
    ] = 60.0
    stream_min_bytes_per_second: Annotated[
        float,
        Field(
            ge=0,
            description="Rate at which a file must come in while it is waited for, taken over that time; otherwise it "
            "is cut off. 0 for any.",
        ),
    ] = 10.0
    max_waiting_texts: Annotated[
        int, Field(ge=1, description="Texts that may wait for inference in one process; more are refused with 503.")
    ] = 10_000
    max_waiting_chars: Annotated[
        int,
        Field(ge=1, description="Characters that these texts may have together; more are refused with 503."),
    ] = 20_000_000
    max_header_bytes: Annotated[
        int, Field(ge=1_000, description="Bytes that a request's line and headers may have.")
    ] = 32_000
    header_seconds: Annotated[
        float, Field(gt=0, description="Time that a connection has to send a request's headers.")
    ] = 10.0
    body_seconds: Annotated[
        float, Field(gt=0, description="Time that a request has to send its body, streams excepted.")
    ] = 20.0
    keep_alive_seconds: Annotated[
        float,
        Field(
            gt=0,
            description="Time that a connection may be idle; more than load balancers keep theirs, which is 60 seconds "
            "for many.",
        ),
    ] = 75.0
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
            "Authorization: Bearer KEY or X-API-Key: KEY. As a flag it can be read by others on this machine: prefer "
            "the variable."
        ),
    ] = None
    api_keys_file: Annotated[
        Path | None,
        Field(
            description="File of more keys, a line each: KEY, or NAME KEY [REQUESTS/S] [TEXTS/S] [PRIORITY], such as "
            "shop sha256:… 50 500 high; - for any number, # for a comment. It is read again when it changes."
        ),
    ] = None
    shadow_sample: Annotated[
        Path | None,
        Field(
            description="File that gets the texts to which a shadow (rollout.json) gave another label, as NDJSON, up "
            "to 10 MB. The texts are personal data; without it none is written."
        ),
    ] = None
    feedback_file: Annotated[
        Path | None,
        Field(
            description="SQLite file, on a local disk, that keeps the true labels sent to /feedback and remembers "
            "recent answers by request id; without it there is no feedback."
        ),
    ] = None
    feedback_texts: Annotated[
        bool,
        Field(
            description="Whether that file keeps the texts too, for python -m service feedback export. They are "
            "personal data."
        ),
    ] = False
    feedback_days: Annotated[
        float, Field(gt=0, le=36_500, description="Days after which answers and feedback are deleted from that file.")
    ] = 30.0
    feedback_max_answers: Annotated[
        int,
        Field(
            ge=1,
            le=100_000_000,
            description="Answers that are remembered, and labels that are kept, at most; the oldest go first.",
        ),
    ] = 1_000_000
    repository_control: Annotated[
        bool | None,
        Field(description="Whether models are loaded and unloaded over HTTP; without it only if API keys are needed."),
    ] = None
    allowed_hosts: Annotated[
        str | None,
        Field(
            description="Names, separated by commas, that the service answers to (header Host), beside localhost and "
            "addresses; .example.com is every name below it, * every name. Without it no other, or every name if API "
            "keys are needed."
        ),
    ] = None
    trusted_proxies: Annotated[
        str | None,
        Field(
            description="Addresses or networks, separated by commas, of proxies whose X-Forwarded-For, -Proto, -Host "
            "and -Prefix count; * for all."
        ),
    ] = None
    root_path: Annotated[
        str,
        Field(
            pattern=r"^(/[A-Za-z0-9._~-]+)*$",
            description="Prefix of the service's addresses behind a proxy, such as /sentiment, whether the proxy takes "
            "it away or leaves it.",
        ),
    ] = ""
    health_route: Annotated[
        str | None,
        Field(pattern="^/", description="A further address of /health/ready; without it AIP_HEALTH_ROUTE."),
    ] = None
    predict_route: Annotated[
        str | None,
        Field(pattern="^/", description="A further address of /invocations; without it AIP_PREDICT_ROUTE."),
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

    @model_validator(mode="before")
    @classmethod
    def _store_of_models(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Take an address in place of the folder as the store, with a folder for the copies."""
        address = values.get("models_dir")
        if not isinstance(address, str) or "://" not in address:
            return values
        home = Path.home()
        cache = home / ".cache" if os.access(home, os.W_OK) else Path(gettempdir())  # a container's user has no home
        copies = cache / "conv1d-sentiment" / sha256(address.encode()).hexdigest()[:16]
        return {**values, "models_store": address, "models_dir": copies}

    @field_validator("model_version")
    @classmethod
    def _of_a_model(cls, version: Version | None, info: ValidationInfo) -> Version | None:
        if version is not None and info.data.get("model") == AUTO:
            raise ValueError("it needs the name of a model, and auto is none")
        return version

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where values come from, the first that has one: flags, own variables, those of platforms."""
        return init_settings, env_settings, _PlatformSource(settings_cls)

    @property
    def keyed(self) -> bool:
        """Tell whether API keys are needed."""
        return bool(self.api_keys or self.api_keys_file)

    @property
    def controls_repository(self) -> bool:
        """Tell whether models are loaded and unloaded over HTTP."""
        return self.keyed if self.repository_control is None else self.repository_control

    @property
    def names_of_hosts(self) -> frozenset[str]:
        """Split `allowed_hosts`."""
        return _entries((self.allowed_hosts or "").lower())

    @property
    def proxies(self) -> frozenset[str]:
        """Split `trusted_proxies`."""
        return _entries(self.trusted_proxies)

    @property
    def origins(self) -> frozenset[str]:
        """Split `cors_origins`."""
        return _entries(self.cors_origins)

    @classmethod
    def load(cls, **flags: object) -> Self:
        """Read the settings from the environment, with the given flags before it.

        Raises:
            SettingsError: naming the variable and what is wrong with its value.
        """
        try:
            return cls(**flags)  # type: ignore[arg-type]
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            variable = f"{ENV_PREFIX}{name.upper()}"
            if name not in flags and variable not in os.environ:
                variable = _platform_variable(name) or variable
            raise SettingsError(
                f"{variable} (--{name.replace('_', '-')}) is {first['input']!r}: {first['msg']}."
            ) from error


class _PlatformSource(PydanticBaseSettingsSource):
    """Read the variables of platforms."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str | None, str, bool]:  # noqa: ARG002
        """Return the value of a setting, its name, and that it is no JSON."""
        variable = _platform_variable(field_name)
        return os.environ[variable] if variable else None, field_name, False

    def __call__(self) -> dict[str, str]:
        """Return every setting that a platform gives a value."""
        found = {name: _platform_variable(name) for name in PLATFORM_VARIABLES}
        return {name: os.environ[variable] for name, variable in found.items() if variable}


def _platform_variable(name: str) -> str | None:
    return next((each for each in PLATFORM_VARIABLES.get(name, ()) if os.environ.get(each)), None)


def _entries(listed: str | None) -> frozenset[str]:
    return frozenset(entry for part in (listed or "").split(",") if (entry := part.strip()))


def env_file() -> str:
    """Write every setting as a comment that shows its default, for a file of variables such as `.env`."""
    lines = ["# Every setting and its default; this file is what `python -m service settings` prints."]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else field.default
        value = str(default).lower() if isinstance(default, bool) else str(default)
        lines += ["", *wrap(str(field.description), 118, initial_indent="# ", subsequent_indent="# ")]
        lines.append(f"#{ENV_PREFIX}{name.upper()}={value}")
    return "\n".join(lines) + "\n"
