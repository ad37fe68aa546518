"""Python's cycle collector, left to rest where many records are built that live until the work is done."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def at_rest() -> Generator[None]:
    """No cycles are looked for meanwhile: looking through millions of live records finds none and costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
