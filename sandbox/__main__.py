"""`python -m sandbox`: the fictional partnerships, for rehearsals and tests. Never needed by a live installation."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

import click

from encompass.settings import state_folder
from encompass.store import embedded
from sandbox.airflow_home import DagFailed
from sandbox.authenticator import NoKey, add_key, next_code
from sandbox.children import DidNotStart
from sandbox.mail import Mailbox
from sandbox.people import CouldNotAnswer
from sandbox.serve import Sandbox
from sandbox.state import AlreadyPlaying, PortTaken
from sandbox.world import World, build_world, canaries_of, expected_file, named_night, neighbour

night_option = click.option(
    "--night",
    "name",
    default="ordinary",
    show_default=True,
    help="YYYY-MM-DD or a named night of nights.toml.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def main() -> None:
    """Two fictional partnerships, Riverbend's and Fellgate's: their servers, their people, their nights."""


@main.command()
@night_option
@click.option("--serve", "then_serve", is_flag=True, help="Then serve the pages until Ctrl-C.")
def night(name: str, *, then_serve: bool) -> None:
    """Play a night end to end through the DAGs and print its account."""
    from sandbox.night import play_night  # noqa: PLC0415 - the other commands need no Airflow

    with _told():
        sys.exit(play_night(_world(name), then_serve=then_serve))


@main.command()
@night_option
def pages(name: str) -> None:
    """Serve the pages over the state as it is, until Ctrl-C."""
    from sandbox.night import serve_pages  # noqa: PLC0415

    with _told():
        serve_pages(_world(name))


@main.command()
def airflow() -> None:
    """Run Airflow's scheduler and pages over the same state until Ctrl-C."""
    from sandbox.night import airflow_until_interrupted  # noqa: PLC0415

    with _told():
        sys.exit(airflow_until_interrupted(_world("ordinary")))


@main.command()
@night_option
@click.option("--web", default="http://127.0.0.1:8400", show_default=True, help="Where the pages will be.")
def serve(name: str, web: str) -> None:
    """Serve the outside world alone until interrupted: feed, registers, identity provider, mail."""
    var = state_folder()
    with Sandbox(_world(name), var, web) as sandbox:
        for what, address in sandbox.addresses.items():
            click.echo(f"{what}  {address}")
        click.echo("ready")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


@main.command()
@night_option
def canaries(name: str) -> None:
    """Print strings that the night carries and that no log, file or dump may hold in the clear."""
    for canary in canaries_of(_world(name)):
        click.echo(canary)


@main.command()
@night_option
@click.option("--write", is_flag=True, help="Write it to the committed files instead.")
def expected(name: str, *, write: bool) -> None:
    """Print what must become of each child of a night, force by force."""
    riverbend = _world(name)
    for world in (riverbend, neighbour(riverbend)):
        text = json.dumps(world.expected(), indent=1, ensure_ascii=False) + "\n"
        if write:
            file = expected_file(world)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")
        else:
            click.echo(text, nl=False)


@main.command()
@click.option("--count", is_flag=True, help="Only how many messages there are.")
def mail(*, count: bool) -> None:
    """Print the messages that the mail server took."""
    messages = Mailbox(state_folder()).messages()
    if count:
        click.echo(len(messages))
        return
    for message in messages:
        click.echo(f"To: {message['To']}\nSubject: {message['Subject']}\n\n{message.get_payload()}\n")


@main.command()
@click.argument("username")
@click.option("--key", help="First put this key, as the page shows it, into the person's authenticator.")
def code(username: str, key: str | None) -> None:
    """Print a code of a fictional person's authenticator app."""
    with _told():
        if key:
            add_key(state_folder(), username, key)
        click.echo(next_code(state_folder(), username))


@main.command()
def stop() -> None:
    """Stop the embedded PostgreSQL of the state folder."""
    if (state_folder() / "postgres").exists():
        embedded.stop(state_folder())


@contextmanager
def _told() -> Generator[None]:
    """Say in a line what went wrong, where it is not our own fault."""
    try:
        yield
    except (AlreadyPlaying, DagFailed, DidNotStart, CouldNotAnswer, NoKey, PortTaken) as error:
        click.echo(f"sandbox: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("sandbox: interrupted; the same command goes on from here", err=True)
        sys.exit(130)


def _world(name: str) -> World:
    try:
        return build_world(*named_night(name))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


if __name__ == "__main__":
    main()
