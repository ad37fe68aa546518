"""The police feed that a force's settings name: where it is, how far a pull reaches, how it is written."""

from __future__ import annotations

from datetime import timedelta

from pydantic import ValidationError

from encompass.formats.police_contract import NEUTRAL, Shape
from encompass.formats.police_mapping import PoliceMapping, shape_of
from encompass.gateways.police_feed import FeedAddress, PoliceFeed
from encompass.pipeline.receive_incidents import FeedRules
from encompass.settings import FeedSettings, SettingsError


def feed_of(settings: FeedSettings) -> tuple[PoliceFeed, FeedRules]:
    """The feed and the rules of a pull. Raises SettingsError."""
    shape = shape_of_feed(settings)
    address = FeedAddress(
        settings.base_url,
        settings.client_id,
        settings.client_secret.get_secret_value(),
        page_size=settings.page_size,
        shape=shape,
    )
    overlap, first = timedelta(minutes=settings.overlap_minutes), timedelta(hours=settings.first_window_hours)
    return PoliceFeed(address), FeedRules(overlap, first, settings.fewest_records, shape)


def shape_of_feed(settings: FeedSettings) -> Shape:
    """How the feed's pages are written. Raises SettingsError."""
    if settings.mapping is None:
        return NEUTRAL
    try:
        return shape_of(PoliceMapping.model_validate(settings.mapping))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"feed.mapping: {faults}") from None
