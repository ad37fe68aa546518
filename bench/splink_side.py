"""The same children and roll with Splink 5: its scores, the best pupil of each child, and how long it takes."""

from __future__ import annotations

import importlib.util
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import Any, Final

from bench.accuracy import recall_at
from bench.cases import rows_of

SHOWN: Final = 5


@dataclass(frozen=True)
class Measured:
    """Seconds of `predict` against the registered roll; the share of the children on it whose pupil is among the
    best five; and recall where precision is at least so much.
    """

    predict: float
    covered: float
    recall_999: float
    recall_9999: float


def available() -> bool:
    """Whether Splink is installed (`pip install encompass[training]`)."""
    return importlib.util.find_spec("splink") is not None


def measure(folder: Path, roll: str = "roll.csv") -> Measured:
    """Train without labels, score every child against the roll, and compare the best pupil with the truth."""
    linker = _trained(_linker(folder / roll, folder / "children.csv"))
    started = time.perf_counter()
    scored = linker.inference.predict(threshold_match_weight=-20)
    predict = time.perf_counter() - started
    pairs = scored.as_duckdbpyrelation().project("unique_id_l, unique_id_r, match_weight").fetchall()
    truth = {row["child_ref"]: row["pupil_ref"] for row in rows_of(folder / "truth.csv")}
    found: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for one, other, weight in pairs:
        child, pupil = (one, other) if one in truth else (other, one)
        found[child].append((weight, pupil))
    ranked = [((True, weight), truth[child] == pupil) for child, (weight, pupil) in _best(found)]
    on_roll = sum(1 for pupil in truth.values() if pupil)
    covered = sum(truth[child] in {p for _, p in nlargest(SHOWN, found[child])} for child in found)
    return Measured(
        predict, covered / on_roll, recall_at(ranked, on_roll, 0.999), recall_at(ranked, on_roll, 0.9999)
    )


def _best(found: Mapping[str, list[tuple[float, str]]]) -> Iterator[tuple[str, tuple[float, str]]]:
    return ((child, max(pairs)) for child, pairs in found.items())


def _linker(roll: Path, children: Path) -> Any:
    """A linker over both files, by names, birth date, and sex and home where there are any."""
    import duckdb  # noqa: PLC0415 - an optional extra
    import splink.comparison_level_library as cll  # noqa: PLC0415
    import splink.comparison_library as cl  # noqa: PLC0415
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    connection = duckdb.connect(":memory:", config={"temp_directory": ""})
    connection.execute(_table("roll", roll, "pupil_ref", "legal_forename", "legal_surname"))
    connection.execute(_table("children", children, "child_ref", "forename", "surname"))
    homes = connection.execute("SELECT count(postcode) FROM children").fetchall()[0][0] > 0
    home = cl.CustomComparison(
        output_column_name="place",
        comparison_levels=[
            cll.NullLevel("postcode"),
            cll.And(cll.ExactMatchLevel("postcode"), cll.ExactMatchLevel("address")),
            cll.ExactMatchLevel("postcode"),
            cll.ExactMatchLevel("address"),
            cll.ElseLevel(),
        ],
    )
    pairs = [("forename", "dob"), ("surname", "dob"), ("forename", "surname"), ("initial", "dob")]
    pairs += [("postcode", "forename"), ("postcode", "surname"), ("postcode", "dob")] if homes else []
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.NameComparison("forename").configure(term_frequency_adjustments=True),
            cl.NameComparison("surname").configure(term_frequency_adjustments=True),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            *([cl.ExactMatch("sex"), home] if homes else []),
        ],
        blocking_rules_to_generate_predictions=[block_on(*pair) for pair in pairs],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )
    api = DuckDBAPI(connection=connection)
    return Linker([api.register("roll"), api.register("children")], settings, log_level=None)


def _table(name: str, file: Path, reference: str, forename: str, surname: str) -> str:
    """Our own files and column names only."""
    return (
        f"CREATE TABLE {name} AS SELECT {reference} AS unique_id, nullif(lower({forename}), '') AS forename, "
        f"nullif(lower({surname}), '') AS surname, nullif(lower({forename})[1], '') AS initial, "
        "nullif(date_of_birth, '') AS dob, nullif(sex, '') AS sex, nullif(postcode, '') AS postcode, "
        f"nullif(address, '') AS address FROM read_csv('{file}', all_varchar = true)"
    )


def _trained(linker: Any) -> Any:
    """u by random sampling, m by expectation maximisation; no label is used."""
    from splink import block_on  # noqa: PLC0415 - an optional extra

    exact = [block_on("forename", "surname", "dob")]
    linker.training.estimate_probability_two_random_records_match(exact, recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=5_000_000, seed=1)
    for rule in (block_on("forename", "surname"), block_on("dob")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    return linker
