"""The commands of `python -m service rollout`; `cli.rollout` does what they say."""

from typing import Any

import click

from service.cli.flags import flag_per_setting, load_settings
from service.settings import Settings

_ROLLOUT_SETTINGS = ("models_dir", "model", "host", "port", "root_path", "api_keys")
_wait = click.option("--wait", is_flag=True, help="Wait until every process of the service at HOST and PORT follows.")


@click.group(invoke_without_command=True)
@flag_per_setting("models_dir", "model")
@click.pass_context
def rollout(context: click.Context, /, **flags: Any) -> None:
    """Show or change which version of a model answers.

    The labels of its versions and what is served are in models/MODEL/rollout.json; a running service follows it within
    a second.
    """
    context.obj = flags
    if context.invoked_subcommand is None:
        from service.cli.rollout import show

        click.echo(show(load_settings(flags)))


@rollout.command()
@click.argument("label")
@click.argument("version", required=False)
@click.option("--remove", is_flag=True, help="Remove the label.")
@_wait
@flag_per_setting(*_ROLLOUT_SETTINGS)
@click.pass_obj
def label(above: dict[str, Any], /, label: str, version: str | None, remove: bool, wait: bool, **flags: Any) -> None:
    """Give LABEL to VERSION, which may be another label."""
    from service.cli.rollout import change, labelled

    if remove == (version is not None):
        raise click.UsageError("Give a version, or --remove.")
    click.echo(change(_rollout_settings(above, flags), labelled(label, version), wait))


@rollout.command("serve")
@click.argument("version", required=False)
@click.option("--highest", is_flag=True, help="Serve the highest version that is there, as without a rollout.")
@_wait
@flag_per_setting(*_ROLLOUT_SETTINGS)
@click.pass_obj
def rollout_serve(above: dict[str, Any], /, version: str | None, highest: bool, wait: bool, **flags: Any) -> None:
    """Let VERSION, a number or a label, answer every request that names none."""
    from service.cli.rollout import change, serving

    if highest == (version is not None):
        raise click.UsageError("Give a version, or --highest.")
    click.echo(change(_rollout_settings(above, flags), serving(version), wait))


@rollout.command()
@click.argument("parts", metavar="VERSION=WEIGHT...", nargs=-1, required=True)
@_wait
@flag_per_setting(*_ROLLOUT_SETTINGS)
@click.pass_obj
def split(above: dict[str, Any], /, parts: tuple[str, ...], wait: bool, **flags: Any) -> None:
    """Divide the requests that name no version, such as stable=95 next=5.

    Requests with the same header X-Sticky-Key get the same version.
    """
    from service.cli.rollout import change, splitting

    click.echo(change(_rollout_settings(above, flags), splitting(parts), wait))


@rollout.command()
@click.argument("version", required=False)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="Share of the answered texts that it should read.",
)
@click.option("--remove", is_flag=True, help="Let no version read along.")
@_wait
@flag_per_setting(*_ROLLOUT_SETTINGS)
@click.pass_obj
def shadow(above: dict[str, Any], /, version: str | None, share: float, remove: bool, wait: bool, **flags: Any) -> None:
    """Let VERSION, a number or a label, read what another version has answered, with capacity that is left over.

    GET /models/MODEL/shadow tells how its answers differ. Nobody sees them, and nobody waits for them.
    """
    from service.cli.rollout import change, shadowing

    if remove == (version is not None):
        raise click.UsageError("Give a version, or --remove.")
    click.echo(change(_rollout_settings(above, flags), shadowing(version, share), wait))


def _rollout_settings(above: dict[str, Any], flags: dict[str, Any]) -> Settings:
    """Load the settings of a subcommand, whose flags may also stand before its name."""
    return load_settings({**above, **{name: value for name, value in flags.items() if value is not None}})
