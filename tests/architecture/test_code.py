"""The shape of the code: layers of words, routes with rules, DAGs that are a timetable, files of a readable size."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from docs.generate import pages
from encompass.domain.child import exclusion
from encompass.domain.compliance import UNFINISHED, Bucket
from encompass.domain.notification import NotificationStatus
from encompass.domain.placement import BEYOND_SCOPE, ExclusionReason, PlacementStatus, ReviewReason
from encompass.log import ALLOWED_KEYS, ForbiddenLogKey, configure, get_logger
from encompass.web import wording
from encompass.web.access_rules import rule_of
from encompass.web.app import create_app
from encompass.wiring import Encompass

ROOT = Path(__file__).parents[2]
CODE = [
    f for folder in ("encompass", "dags", "sandbox", "docs", "bench") for f in (ROOT / folder).rglob("*.py")
]
DAGS = ("notify_before_school", "reconcile_acknowledgements", "refresh_rolls", "report_compliance")


def functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]


@pytest.mark.parametrize("file", CODE, ids=lambda f: str(f.relative_to(ROOT)))
def test_files_and_functions_are_of_a_readable_size(file: Path) -> None:
    source = file.read_text("utf-8")
    assert len(source.splitlines()) <= 400
    for function in functions(ast.parse(source)):
        length = (function.end_lineno or 0) - function.lineno + 1
        nested = [f for f in functions(function) if f is not function]
        own = length - sum((f.end_lineno or 0) - f.lineno + 1 for f in nested)
        assert own <= 50, f"{function.name} is {own} lines"


@pytest.mark.parametrize(
    "file", [f for f in CODE if f.parts[-2] != "docs"], ids=lambda f: str(f.relative_to(ROOT))
)
def test_every_module_says_what_it_is(file: Path) -> None:
    assert file.stat().st_size == 0 or ast.get_docstring(ast.parse(file.read_text("utf-8")))


def test_what_the_product_offers_has_docstrings() -> None:
    silent = []
    for file in (ROOT / "encompass").rglob("*.py"):
        module = ast.parse(file.read_text("utf-8"))
        classes = [n for n in module.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
        offered = [*module.body, *(n for c in classes for n in c.body)]
        for node in offered:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                silent.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert silent == []


def test_every_route_has_an_access_rule(empty: Encompass) -> None:
    app = create_app(empty)
    rules = {rule.endpoint: rule_of(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert [endpoint for endpoint, rule in rules.items() if rule is None] == []
    assert {e for e, r in rules.items() if r.value == "open"} == {
        "static", "sign_in.start_page", "sign_in.begin", "sign_in.callback", "sign_in.bind", "sign_in.bind_with_code",
        "sign_in.sign_out", "sign_in.health",
        "sign_in.choose", "sign_in.choose_one", "sign_in.begin_with_code", "sign_in.which_force",
        "sign_in.begin_at_force", "sign_in.callback_of_force", "language.choose",
    }  # fmt: skip
    assert {r.value for e, r in rules.items() if e.startswith("school")} == {"school"}
    assert {e for e, r in rules.items() if r.value == "second_factor"} == {
        "second_factor.ask",
        "second_factor.answer",
    }
    assert {r.value for e, r in rules.items() if e.startswith("leaders.")} == {"leaders"}
    assert {r.value for e, r in rules.items() if e.startswith("receipts.")} == {"provider"}
    assert {r.value for e, r in rules.items() if e.startswith("inbound.")} == {"signed_push"}


def test_a_view_without_a_rule_is_refused(empty: Encompass) -> None:
    app = create_app(empty)
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 404
    assert b"secret" not in answer.data


def test_every_status_bucket_and_reason_has_words() -> None:
    assert set(wording.NOTIFICATION_STATUS) == set(NotificationStatus)
    assert set(wording.BUCKET) == set(Bucket)
    migration = (ROOT / "sql" / "migrations" / "versions" / "0011_ladder.sql").read_text("utf-8")
    allowed = (
        migration.split("CREATE TABLE encompass.duty_exception")[1].split("reason IN (")[1].split(")")[0]
    )
    assert set(wording.EXCEPTION) == set(re.findall(r"'(\w+)'", allowed)) | UNFINISHED
    assert set(wording.EXCLUSION) == {r.value for r in ExclusionReason}
    assert set(wording.BEYOND_SCOPE) == {r.value for r in BEYOND_SCOPE} <= {r.value for r in ReviewReason}
    placed = {f"mash_{s.value}" for s in PlacementStatus if s is not PlacementStatus.EXCLUDED}
    assert set(wording.WAITING_WITH) == placed | {
        "school",
        "mash_telephone",
        "police_hold",
        "mash_held",
        "nobody",
    }
    assert exclusion.__doc__ and "Source:" in exclusion.__doc__


def test_every_alarm_that_is_raised_has_words() -> None:
    raised: set[str] = set()
    for file in (*(ROOT / "encompass" / "pipeline").glob("*.py"), ROOT / "dags" / "timetable.py"):
        source = file.read_text("utf-8")
        raised |= set(re.findall(r'"(feed_(?:absent|empty|short|stale|altered|refused))"', source))
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and re.search(r"(^|[._])(raise_)?alarm$", ast.unparse(node.func)):
                named = [
                    a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)
                ]
                raised |= {name for name in named if "_" in name}
        for function in functions(ast.parse(source)):
            if "set_alarms(" in ast.unparse(function):
                keys = [k for n in ast.walk(function) if isinstance(n, ast.Dict) for k in n.keys]
                raised |= {k.value for k in keys if isinstance(k, ast.Constant)}
    assert {"feed_absent", "register_absent", "deadline_missed", "account_unbalanced"} <= raised
    assert raised == set(wording.ALARM)


def test_log_calls_use_allowed_keys_and_a_constant_event() -> None:
    calls = 0
    for file in CODE:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            text = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if text.startswith("log.get_logger()."):
                calls += 1
                assert len(node.args) == 1 and isinstance(node.args[0], ast.Constant), file
                assert {k.arg for k in node.keywords} <= ALLOWED_KEYS, file
    assert calls >= 5


def test_a_key_outside_the_list_is_never_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    with pytest.raises(ForbiddenLogKey, match="surname"):
        get_logger().info("child_placed", surname="Pepperlantern-Quill")
    configure("ERROR")
    assert "Pepperlantern" not in "".join(capsys.readouterr())


def test_only_the_log_module_writes_logs() -> None:
    for file in (ROOT / "encompass").rglob("*.py"):
        source = file.read_text("utf-8")
        assert not re.search(r"(?<!\.)\bprint\(", source), file
        assert file.name == "log.py" or not re.search(
            r"logging\.(info|warning|error|exception|debug)", source
        ), file


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What Airflow makes of the DAGs folder, in a process of its own."""
    home = tmp_path_factory.mktemp("airflow")
    script = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder="dags")
print(json.dumps({"errors": bag.import_errors, "dags": {d.dag_id: {
    "doc": d.doc_md, "catchup": d.catchup, "tags": sorted(d.tags), "deadlines": len(d.deadline or []),
    "max_active_runs": d.max_active_runs, "runs_late": [x.name for x in d.deadline or []],
    "tasks": [{"id": t.task_id, "owner": t.owner, "retries": t.retries} for t in d.tasks],
} for d in bag.dags.values()}}))
"""
    env = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "ENCOMPASS_VAR": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    env.pop("ENCOMPASS_CONFIG", None)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_every_dag_loads_with_docs_owner_deadline_and_no_catchup(loaded: dict) -> None:
    assert loaded["errors"] == {}
    assert tuple(sorted(loaded["dags"])) == DAGS
    for dag_id, dag in loaded["dags"].items():
        source = (ROOT / "dags" / f"{dag_id}.py").read_text("utf-8")
        assert dag["doc"].strip() == ast.get_docstring(ast.parse(source)).strip()
        assert dag["catchup"] is False
        assert dag["deadlines"] == 1
        assert dag["runs_late"] == [dag_id]
        assert dag["max_active_runs"] == 1
        assert "encompass" in dag["tags"]
        for task in dag["tasks"]:
            assert task["owner"] == "encompass"
            assert task["retries"] >= 2


@pytest.mark.parametrize("dag_id", [*DAGS, "timetable"])
def test_a_task_is_one_call(dag_id: str) -> None:
    tree = ast.parse((ROOT / "dags" / f"{dag_id}.py").read_text("utf-8"))
    tasks = [
        f for f in functions(tree) if any(re.match(r"task(\(|$)", ast.unparse(d)) for d in f.decorator_list)
    ]
    assert tasks
    for task in tasks:
        assert len(task.body) == 1, task.name
        assert re.match(r"(return wiring\.|hand_on\()", ast.unparse(task.body[0])), task.name
        assert {a.arg for a in task.args.args} <= {"force_id", "night_run"}, task.name


def test_the_generated_pages_are_current() -> None:
    for file, text in pages().items():
        assert file.read_text("utf-8") == text, f"{file.name} is stale: make docs"


def test_the_message_catalogue_is_current() -> None:
    method = [("web/**.py", "python"), ("web/templates/**.html", "jinja2")]
    keywords = {"gettext": None, "lazy_gettext": None, "_": None, "ngettext": (1, 2)}
    found = {
        message[2] if isinstance(message[2], str) else message[2][0]
        for message in extract_from_dir(str(ROOT / "encompass"), method, keywords=keywords)
    }
    with (ROOT / "encompass" / "web" / "locale" / "messages.pot").open("rb") as file:
        catalogue = {m.id if isinstance(m.id, str) else m.id[0] for m in read_po(file) if m.id}
    assert found == catalogue, "the catalogue is stale: make docs"


def test_templates_hold_no_bare_words() -> None:
    bare = re.compile(r">\s*([A-Z][a-z]+ [a-z]+[^<{]*)<")
    for file in (ROOT / "encompass" / "web" / "templates").glob("*.html"):
        assert bare.findall(file.read_text("utf-8")) == [], file.name
