"""The same children and roll with Splink 5: its scores, the best pupil of each child, and how long it takes."""

from __future__ import annotations

import importlib.util
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.cases import rows_of

DAMERAU_SLIPS = 2


@dataclass(frozen=True)
class Measured:
    """Seconds of `predict` against the registered roll, and recall where precision is at least so much."""

    predict: float
    recall_999: float
    recall_9999: float


def available() -> bool:
    """Whether Splink is installed (`pip install encompass[training]`)."""
    return importlib.util.find_spec("splink") is not None


def measure(folder: Path, roll: str = "roll.csv") -> Measured:
    """Train without labels, score every child against the roll, and compare the best pupil with the truth."""
    linker = _linker(folder / roll, folder / "children.csv")
    started = time.perf_counter()
    scored = linker.inference.predict(threshold_match_weight=-20)
    predict = time.perf_counter() - started
    best = scored.query_sql if hasattr(scored, "query_sql") else None
    assert best is None or callable(best)
    pairs = scored.as_duckdbpyrelation().project("unique_id_l, unique_id_r, match_weight").fetchall()
    truth = {row["child_ref"]: row["pupil_ref"] for row in rows_of(folder / "truth.csv")}
    return Measured(predict, _recall(pairs, truth, 0.999), _recall(pairs, truth, 0.9999))


def _linker(roll: Path, children: Path) -> Any:
    """A linker over both files, trained without labels: u by random sampling, m by expectation maximisation."""
    import duckdb  # noqa: PLC0415 - an optional extra
    import splink.comparison_level_library as cll  # noqa: PLC0415
    import splink.comparison_library as cl  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    connection = duckdb.connect(":memory:", config={"temp_directory": ""})
    for table, file, columns in (
        ("roll", roll, "pupil_ref AS unique_id, legal_forename AS forename, legal_surname AS surname"),
        ("children", children, "child_ref AS unique_id, forename, surname"),
    ):
        connection.execute(
            f"CREATE TABLE {table} AS SELECT {columns.replace('forename,', 'forename,')}, "
            "nullif(date_of_birth, '') AS dob, nullif(sex, '') AS sex, nullif(postcode, '') AS postcode, "
            f"nullif(address, '') AS address FROM read_csv('{file}', all_varchar = true)"
        )
        connection.execute(
            f"UPDATE {table} SET forename = nullif(lower(forename), ''), surname = nullif(lower(surname), '')"
        )
    place = cl.CustomComparison(
        output_column_name="place",
        comparison_levels=[
            cll.NullLevel("postcode"),
            cll.And(cll.ExactMatchLevel("postcode"), cll.ExactMatchLevel("address")),
            cll.ExactMatchLevel("postcode"),
            cll.ExactMatchLevel("address"),
            cll.ElseLevel(),
        ],
    )
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.NameComparison("forename").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.ExactMatch("sex"),
            place,
        ],
        blocking_rules_to_generate_predictions=[
            block_on("forename", "dob"),
            block_on("surname", "dob"),
            block_on("forename", "surname"),
            block_on("postcode", "forename"),
            block_on("postcode", "surname"),
            block_on("postcode", "dob"),
        ],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )
    api = DuckDBAPI(connection=connection)
    linker = Linker([api.register("roll"), api.register("children")], settings)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("forename", "surname", "dob")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=5_000_000, seed=1)
    for rule in (block_on("forename", "surname"), block_on("dob")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    return linker


def _recall(pairs: list[tuple[str, str, float]], truth: dict[str, str], precision: float) -> float:
    """The most recall of any threshold at which the best pupils are right often enough, chosen with hindsight."""
    best: dict[str, tuple[float, str]] = {}
    for one, other, weight in pairs:
        child, pupil = (one, other) if one in truth else (other, one)
        best[child] = max(best.get(child, (float("-inf"), "")), (weight, pupil))
    ranked = sorted(((w, truth[c] == p) for c, (w, p) in best.items()), reverse=True)
    on_roll = sum(1 for pupil in truth.values() if pupil)
    right = most = 0
    for number, (_, is_right) in enumerate(ranked, start=1):
        right += is_right
        if right / number >= precision:
            most = right
    return most / on_roll
