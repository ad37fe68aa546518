"""The frozen table that every part of the settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """A part of the settings: frozen, and no name in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")
