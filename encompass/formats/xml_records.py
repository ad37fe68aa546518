"""Records of an XML file of any size, one element at a time; no document type, no entities, no endless element."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from encompass.formats.faults import BrokenFile

LARGEST_RECORD: Final = 1 << 20
DEEPEST: Final = 40


def read_elements(stream: BinaryIO, root: str, wanted: Set[str]) -> Iterator[tuple[str, Element]]:
    """Each element of one of these names, with its path of names from the root; then it is forgotten.

    Names are without their namespace. Raises BrokenFile: not XML, another root, a document type or an entity, an
    element beyond 1 MiB or forty levels deep.
    """
    counted = _Counted(stream)
    path: list[str] = []
    outside: list[Element] = []
    within = 0
    try:
        for event, element in iterparse(counted, events=("start", "end"), forbid_dtd=True):
            if within:
                within += 1 if event == "start" else -1
                _check_depth(within)
                if within:
                    continue
                yield "/".join(path), element
            elif event == "start":
                name = local_name(element.tag)
                _check(path, name, root)
                path.append(name)
                outside.append(element)
                within = int(name in wanted)
                continue
            outside.pop()
            path.pop()
            element.clear()
            if outside:
                outside[-1].remove(element)
            counted.mark()
    except DefusedXmlException:
        raise BrokenFile("forbidden_xml") from None
    except (ParseError, ValueError, LookupError):
        raise BrokenFile("not_xml") from None


def fields_of(element: Element, apart: Set[str] = frozenset()) -> dict[str, str]:
    """The stripped texts in a record by their names, at any depth, the first of each; not those in parts `apart`."""
    found: dict[str, str] = {}
    for inner in element:
        name = local_name(inner.tag)
        if name in apart:
            continue
        if inner.text and (text := inner.text.strip()):
            found.setdefault(name, text)
        if len(inner):
            for deeper, text in fields_of(inner, apart).items():
                found.setdefault(deeper, text)
    return found


def parts_of(element: Element, name: str) -> Iterator[Element]:
    """The parts of a record of this name, at any depth."""
    return (inner for inner in element.iter() if local_name(inner.tag) == name)


def local_name(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2] if tag.startswith("{") else tag


def raw_of(element: Element) -> bytes:
    """The element as it was written."""
    return tostring(element, "utf-8")


def _check(path: list[str], name: str, root: str) -> None:
    if not path and name != root:
        raise BrokenFile(f"root_is_not_{root}")
    _check_depth(len(path))


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise BrokenFile("too_deep")


class _Counted:
    """A stream that is read no further than one record's size beyond the last mark."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, LARGEST_RECORD

    def mark(self) -> None:
        self._left = LARGEST_RECORD

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, 1 << 16) if size >= 0 else 1 << 16)
        self._left -= len(data)
        if self._left < 0:
            raise BrokenFile("record_too_large")
        return data
