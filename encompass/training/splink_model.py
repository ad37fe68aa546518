"""Splink 5 over a roll and past children, in memory only: how often each of our levels is seen, without labels."""

from __future__ import annotations

import importlib.util
import logging
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

from encompass.matching.comparison import Frequencies, compare
from encompass.matching.parameters import LEVELS, Parameters
from encompass.matching.person import Person, known_surnames
from encompass.training.evidence import LevelOf, Shares

ORDER: Final = {name: tuple(sorted(levels - {"differs"})) for name, levels in LEVELS.items()}
FIELDS: Final = tuple(LEVELS)
NUMBER: Final = {name: {level: i for i, level in enumerate(levels)} for name, levels in ORDER.items()}
MISSING: Final = -1
ELSE: Final = 99
MOST_PAIRS: Final = 200_000
SEED: Final = 20260310
BLOCKED_BY: Final = frozenset({"forename", "surname", "born"})
EM_RULES: Final[Sequence[Sequence[str]]] = (("born",), ("forename", "surname"))


class NotInstalled(Exception):
    """The optional extra is missing; the text says how to install it."""


class TooLittle(Exception):
    """There are too few records to estimate anything from; the text says of what."""


def require_installed() -> None:
    """Raises NotInstalled."""
    missing = [name for name in ("numpy", "splink", "tomlkit") if importlib.util.find_spec(name) is None]
    if missing:
        raise NotInstalled(f"training needs {' and '.join(missing)}: pip install 'encompass[training]'")


def estimate(pupils: Sequence[Person], children: Sequence[Person], parameters: Parameters) -> Shares:
    """The m and u of every level that is seen: u from random pairs, m by expectation maximisation.

    Levels are those of `encompass.matching.comparison.compare`, called by DuckDB for each pair, so that what is
    estimated is what is used. DuckDB holds its tables in memory and is given no folder to spill to. Raises
    TooLittle.
    """
    if not pupils or not children:
        raise TooLittle("the roll and the children must each have a row")
    roll, sought = _columns(dict(enumerate(pupils))), _columns(dict(enumerate(children)))
    for rule in EM_RULES:
        if _values(roll, rule).isdisjoint(_values(sought, rule)):
            raise TooLittle(f"no child has the {' and '.join(rule)} of a pupil: give more children")
    logging.getLogger("splink").setLevel(logging.ERROR)
    pairs = _Pairs(pupils, children, _frequencies(pupils), parameters)
    with _linker(pairs, parameters.on_a_roll / len(pupils)) as linker:
        return _estimated(linker, len(children) * parameters.on_a_roll)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs by number: pupils from 0 up, children from -1 down."""

    pupils: Sequence[Person] = field(repr=False)
    children: Sequence[Person] = field(repr=False)
    known: Frequencies = field(repr=False)
    parameters: Parameters = field(repr=False)

    def level(self, name: str) -> Callable[[int, int, str | None, str | None], int]:
        """The level of one field as a number. The last two arguments only say what the field is blocked by."""
        at, levels_of = FIELDS.index(name), self._levels_of

        def level(one: int, other: int, _one: str | None, _other: str | None) -> int:
            return levels_of(one, other)[at]

        return level

    @cached_property
    def _levels_of(self) -> Callable[[int, int], tuple[int, ...]]:
        """Remembered, since Splink asks for one field of every pair after another."""
        return lru_cache(maxsize=1 << 20)(self._levels)

    def _levels(self, one: int, other: int) -> tuple[int, ...]:
        child, pupil = self.children[-min(one, other) - 1], self.pupils[max(one, other)]
        found = {f.field: f.level for f in compare(child, pupil, self.known, self.parameters).fields}
        return tuple(NUMBER[name].get(found[name], ELSE) if name in found else MISSING for name in FIELDS)


def _frequencies(pupils: Sequence[Person]) -> Frequencies:
    births = Counter(p.born for p in pupils if p.born)
    return Frequencies(
        pupils=len(pupils),
        forenames=Counter(name for p in pupils for name in p.forenames),
        surnames=Counter(name for p in pupils for name in known_surnames(p)),
        birth_dates=births,
        birth_years=tuple(sorted({day.year for day in births})),
        same_birth_date=1 / max(len(births), 1),
    )


@contextmanager
def _linker(pairs: _Pairs, prior: float) -> Generator[Any]:
    import duckdb  # noqa: PLC0415 - an optional extra
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on  # noqa: PLC0415

    connection: Any = duckdb.connect(":memory:", config={"temp_directory": ""})
    try:
        for name in FIELDS:
            types = ["BIGINT", "BIGINT", "VARCHAR", "VARCHAR"]
            connection.create_function(
                _function(name), pairs.level(name), types, "INTEGER", null_handling="special"
            )
        settings = SettingsCreator(
            link_type="link_only",
            comparisons=[_comparison(name) for name in FIELDS],
            blocking_rules_to_generate_predictions=[block_on("born")],
            probability_two_random_records_match=prior,
            retain_intermediate_calculation_columns=False,
            retain_matching_columns=False,
        )
        api: Any = DuckDBAPI(connection=connection)
        children = {-number: child for number, child in enumerate(pairs.children, start=1)}
        tables = [
            api.register(_columns(dict(enumerate(pairs.pupils))), table_name="roll"),
            api.register(_columns(children), table_name="children"),
        ]
        yield Linker(tables, settings, log_level=None)
    finally:
        for name in FIELDS:
            connection.remove_function(_function(name))
        connection.close()


def _function(name: str) -> str:
    return f"level_of_{name}"


def _columns(people: Mapping[int, Person]) -> dict[str, list[Any]]:
    """What Splink blocks by, of each person by number."""
    return {
        "unique_id": list(people),
        "forename": [next(iter(p.forenames), None) for p in people.values()],
        "surname": [next(iter(p.surnames), None) for p in people.values()],
        "born": [p.born.isoformat() if p.born else None for p in people.values()],
    }


def _values(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> set[tuple[Any, ...]]:
    rows = zip(*(columns[name] for name in names), strict=True)
    return {row for row in rows if None not in row}


def _comparison(name: str) -> Any:
    """A comparison whose levels are ours."""
    import splink.comparison_library as cl  # noqa: PLC0415 - an optional extra

    by = name if name in BLOCKED_BY else "unique_id"
    given = f"CAST({by}_l AS VARCHAR), CAST({by}_r AS VARCHAR)"
    level = f"{_function(name)}(unique_id_l, unique_id_r, {given})"
    missing = {"sql_condition": f"{level} = {MISSING}", "label_for_charts": "missing", "is_null_level": True}
    seen = [{"sql_condition": f"{level} = {i}", "label_for_charts": one} for i, one in enumerate(ORDER[name])]
    levels: list[Any] = [missing, *seen, {"sql_condition": "ELSE", "label_for_charts": "differs"}]
    return cl.CustomComparison(output_column_name=name, comparison_levels=levels)


def _estimated(linker: Any, records: float) -> Shares:
    from splink import block_on  # noqa: PLC0415 - an optional extra

    linker.training.estimate_u_using_random_sampling(
        max_pairs=MOST_PAIRS, seed=SEED, min_count_per_level=None
    )
    for rule in EM_RULES:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    shares: dict[str, dict[LevelOf, float]] = {"m": {}, "u": {}}
    for comparison in linker.misc.save_model_to_json()["comparisons"]:
        for level in comparison["comparison_levels"]:
            key = (comparison["output_column_name"], level["label_for_charts"])
            for kind, seen in shares.items():
                share = level.get(f"{kind}_probability")
                if isinstance(share, float):
                    seen[key] = share
    return Shares(shares["m"], shares["u"], records, MOST_PAIRS)
