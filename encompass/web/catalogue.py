"""The catalogue's functions, with types that the checker can follow."""

from __future__ import annotations

from typing import Any, Protocol, cast

import flask_babel


class _Gettext(Protocol):
    def __call__(self, message: str, /, **values: object) -> str: ...


_functions = cast(Any, flask_babel)
gettext = cast(_Gettext, _functions.gettext)
lazy_gettext = cast(_Gettext, _functions.lazy_gettext)
