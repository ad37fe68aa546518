"""JSON text read strictly: no repeated names, no NaN, no unreadable depth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

from encompass.formats.faults import BrokenFile

LARGEST: Final = 32 << 20
DEEPEST: Final = 60


def read_json(raw: bytes) -> Any:
    """The value. Raises BrokenFile: too large, not UTF-8, not JSON, a name twice in one object, too deep."""
    if len(raw) > LARGEST:
        raise BrokenFile("too_large")
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refused)
    except UnicodeDecodeError:
        raise BrokenFile("not_utf-8") from None
    except (ValueError, RecursionError):
        raise BrokenFile("not_json") from None
    if _depth(value) > DEEPEST:
        raise BrokenFile("too_deep")
    return value


def object_of(value: object, what: str) -> Mapping[str, Any]:
    """The value, if it is an object. Raises BrokenFile."""
    if not isinstance(value, dict):
        raise BrokenFile(f"{what}: not_an_object")
    return cast(Mapping[str, Any], value)


def list_of(value: object, what: str) -> list[Any]:
    """The value, if it is a list. Raises BrokenFile."""
    if not isinstance(value, list):
        raise BrokenFile(f"{what}: not_a_list")
    return cast(list[Any], value)


def records_of(value: object, place: str) -> list[Any]:
    """The records of a page that has them at a place, or of a bare list. Raises BrokenFile."""
    if isinstance(value, list):
        return cast(list[Any], value)
    return list_of(object_of(value, "page").get(place), place)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BrokenFile("repeated_name")
    return found


def _refused(_name: str) -> NoReturn:
    raise BrokenFile("not_a_number")


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level and deepest <= DEEPEST:
        deepest += 1
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(cast(dict[str, Any], one).values())
            elif isinstance(one, list):
                inner.extend(cast(list[Any], one))
        level = inner
    return deepest
