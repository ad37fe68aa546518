"""`python -m docs.generate`: the pages of docs/ that come from the code. A test keeps them current."""

from __future__ import annotations

import ast
import json
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from encompass.domain.notification import NOTIFICATION_MOVES
from encompass.domain.nudge import NUDGE_MOVES
from encompass.domain.placement import PLACEMENT_MOVES
from encompass.formats.police_contract import json_schema

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MACHINES: Mapping[str, tuple[str, Mapping[StrEnum, frozenset[StrEnum]]]] = {
    "Placement": ("Where a child named in an incident was placed.", PLACEMENT_MOVES),
    "Notification": ("What one recipient may read about one child.", NOTIFICATION_MOVES),
    "Nudge": ("One attempt to reach one person by one channel.", NUDGE_MOVES),
}


def pages() -> dict[Path, str]:
    """Every generated file and its text."""
    return {
        DOCS / "states.md": states(),
        DOCS / "dags.md": dag_index(),
        DOCS / "contracts" / "police_feed.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }


def states() -> str:
    """The state machines, drawn from their transition tables."""
    parts = [
        "# States\n\nDrawn from the transition tables in `encompass/domain`; no status moves any other way.\n"
    ]
    for noun, (says, moves) in MACHINES.items():
        arrows = [
            f"    {current.value} --> {wanted.value}"
            for current, after in moves.items()
            for wanted in sorted(after, key=lambda s: list(moves).index(s))
        ]
        ends = [f"    {s.value} --> [*]" for s, after in moves.items() if not after]
        drawn = "\n".join([*arrows, *ends])
        parts.append(f"## {noun}\n\n{says}\n\n```mermaid\nstateDiagram-v2\n{drawn}\n```\n")
    return "\n".join(parts)


def dag_index() -> str:
    """The timetable: each DAG's schedule, outlet and deadline, and what it says of itself."""
    deadlines = tomllib.loads((ROOT / "config" / "encompass.toml").read_text("utf-8"))["deadline_minutes"]
    parts = [
        "# DAGs\n\nA DAG is a timetable: each of its tasks is one call into `encompass/wiring`, and the same "
        "steps run from the command line. Each begins with `force_ids` and, for each force, `open_run`. A replay "
        "names its night and instant in the run's conf:\n"
        '`{"night": "2026-03-10", "as_of": "2026-03-10T05:30:00+00:00"}`.\n'
    ]
    for name, minutes in deadlines.items():
        tree = ast.parse((ROOT / "dags" / f"{name}.py").read_text("utf-8"))
        functions = [f for f in tree.body if isinstance(f, ast.FunctionDef)]
        tasks = [
            f.name for f in functions if any(ast.unparse(d).startswith("task") for d in f.decorator_list)
        ]
        (decorator,) = next(f for f in functions if f.name == name).decorator_list
        schedule = next(k.value for k in decorator.keywords if k.arg == "schedule")  # type: ignore[attr-defined]
        parts.append(
            f"## {name}\n\n{ast.get_docstring(tree)}\n\n- schedule: `{ast.unparse(schedule)}`\n"
            f"- deadline: {minutes} minutes after it was queued\n- tasks: {', '.join(f'`{t}`' for t in tasks)}\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    for file, text in pages().items():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
