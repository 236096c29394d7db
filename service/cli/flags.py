"""The flags of commands that stand for settings."""

from collections.abc import Callable
from typing import Any

import click

from service.settings import ENV_PREFIX, Settings


def flag_per_setting(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a command with a flag for each of some settings."""

    def add_flags(command: Callable[..., None]) -> Callable[..., None]:
        for name in reversed(names):
            field = Settings.model_fields[name]
            default = f"default {field.default}" if field.default is not None else "no default"
            command = click.option(
                f"--{name.replace('_', '-')}",
                name,
                metavar="VALUE",
                help=f"{field.description} [{ENV_PREFIX}{name.upper()}; {default}]",
            )(command)
        return command

    return add_flags


def load_settings(flags: dict[str, Any]) -> Settings:
    """Load the settings with the flags that are given."""
    return Settings.load(**{name: value for name, value in flags.items() if value is not None})


def settings_with_models(flags: dict[str, Any]) -> Settings:
    """Load the settings with the flags that are given, and fetch the models if they are in a store."""
    settings = load_settings(flags)
    if settings.models_store:
        from service.cli.models import progress_bar
        from service.models.copies import fetch

        fetch(settings, progress_bar)
    return settings
