"""A whole ordinary night, played once through the DAGs as `make night` plays it; and the CLI as a user runs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster import Cluster, state_folder
from tests.warm import Begun, warm

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Played:
    """A state folder after a command, with what the command printed."""

    var: Path
    code: int
    out: str
    err: str

    def run(self, *arguments: str, module: str = "encompass.cli") -> subprocess.CompletedProcess[str]:
        """Run a command on the same state."""
        return warm().run(module, arguments, {**os.environ, "ENCOMPASS_VAR": str(self.var)})


def play(var: Path, night: str) -> Played:
    """Play a night as `make night` does."""
    done = Played(var, 0, "", "").run("night", "--night", night, module="sandbox")
    return Played(var, done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def whole_night() -> Generator[Played]:
    """The ordinary night, from an empty state folder."""
    with state_folder() as var:
        yield play(var, "ordinary")


@dataclass(frozen=True)
class OnDatabase:
    """The CLI on one database of the worker's server, its signed heads in a file of its own."""

    cluster: Cluster
    name: str
    config: Path

    def environment(self) -> dict[str, str]:
        overlay = self.cluster.var / "sandbox" / "encompass.toml"
        files = (ROOT / "config" / "encompass.toml", overlay, self.config)
        return {
            **os.environ,
            "ENCOMPASS_VAR": str(self.cluster.var),
            "ENCOMPASS_FORCE": self.cluster.force_id,
            "ENCOMPASS_CONFIG": os.pathsep.join(str(f) for f in files),
        }

    def begin(self, *arguments: str) -> Begun:
        """Begin a command and do not wait."""
        return warm().begin("encompass.cli", arguments, self.environment())

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end, typing what it asks for."""
        return warm().run("encompass.cli", arguments, self.environment(), typed)


@pytest.fixture
def on_copy(cluster: Cluster, tmp_path: Path) -> Generator[Callable[[str], OnDatabase]]:
    """Makes the CLI of a copy of a template."""
    made: list[str] = []

    def copy(template: str) -> OnDatabase:
        name = cluster.copy(template)
        made.append(name)
        config = tmp_path / f"{name}.toml"
        config.write_text(
            f'[database]\nname = "{name}"\n[keys]\naudit_heads_file = "{tmp_path}/{name}-heads.jsonl"\n',
            "utf-8",
        )
        return OnDatabase(cluster, name, config)

    yield copy
    for name in made:
        cluster.drop(name)
