"""Logs: a constant event name and identifiers only, every key from an allow-list, written to stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

ALLOWED_KEYS: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "run_id",
        "force_id",
        "night",
        "as_of",
        "step",
        "count",
        "seconds",
        "source",
        "reason",
        "alarm",
        "incident_id",
        "involvement_id",
        "duty_id",
        "notification_id",
        "nudge_id",
        "school_urn",
        "generation_id",
        "status",
        "path",
        "method",
        "exit_code",
    }
)


class ForbiddenLogKey(Exception):
    """A log call used a key outside the allow-list; the text names the key, never its value."""


def _allow_listed(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if key not in ALLOWED_KEYS:
            raise ForbiddenLogKey(key)
    return event


def configure(level: str = "INFO") -> None:
    """Send logs to stderr, a line of key=value each."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allow_listed,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger() -> Any:
    """The logger; call it with an event name and allow-listed keys only."""
    return structlog.get_logger()
