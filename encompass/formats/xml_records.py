"""Records of an XML file of any size, one element at a time; no document type, no entities, no endless element."""

from __future__ import annotations

from collections.abc import Iterator, Set
from functools import lru_cache
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLPullParser, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from encompass.formats.faults import BrokenFile

LARGEST_RECORD: Final = 1 << 20
DEEPEST: Final = 40


def read_elements(stream: BinaryIO, root: str, wanted: Set[str]) -> Iterator[tuple[str, Element]]:
    """Each element of one of these names, with its path of names from the root; then it is forgotten.

    Names are without their namespace. Raises BrokenFile: not XML, another root, a document type or an entity, an
    element beyond 1 MiB or forty levels deep.
    """
    path: list[str] = []
    outside: list[Element] = []
    within = 0
    try:
        counted = _Counted(stream, _beginning(stream))
        for event, element in _events(counted):
            if within:
                within += 1 if event == "start" else -1
                if within:
                    if within > DEEPEST:
                        raise BrokenFile("too_deep")
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


@lru_cache(maxsize=1 << 10)
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


def _events(stream: _Counted) -> Iterator[tuple[str, Element]]:
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    while data := stream.read():
        parser.feed(data)
        yield from parser.read_events()  # pyright: ignore[reportReturnType] - these two events carry elements
    parser.close()
    yield from parser.read_events()  # pyright: ignore[reportReturnType]


class _Root(TreeBuilder):
    """Knows when the root has begun."""

    has_begun = False

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self.has_begun = True
        return super().start(tag, attrs)


def _beginning(stream: BinaryIO) -> bytes:
    """The bytes up to where the root begins and some after it; a document type or an entity can only stand before.

    Looking only here for what is forbidden leaves the rest to the parser in C, which is three times as fast.
    """
    root = _Root()
    parser = DefusedXMLParser(target=root, forbid_dtd=True)
    read = b""
    while not root.has_begun and (chunk := stream.read(1 << 12)):
        read += chunk
        parser.feed(chunk)
        if len(read) > LARGEST_RECORD:
            raise BrokenFile("record_too_large")
    return read


class _Counted:
    """A stream after its beginning, read no further than one record's size beyond the last mark."""

    def __init__(self, stream: BinaryIO, beginning: bytes) -> None:
        self._stream, self._beginning, self._left = stream, beginning, LARGEST_RECORD

    def mark(self) -> None:
        self._left = LARGEST_RECORD

    def read(self) -> bytes:
        data, self._beginning = self._beginning, b""
        data = data or self._stream.read(1 << 14)
        self._left -= len(data)
        if self._left < 0:
            raise BrokenFile("record_too_large")
        return data
