"""The police feed that a force's settings name: where it is, how far a pull reaches, how it is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from pydantic import ValidationError

from encompass.formats.police_contract import NEUTRAL, Shape
from encompass.formats.police_mapping import PoliceMapping, shape_of
from encompass.gateways.dropped_files import Drop, DroppedFiles, LocalFolder, SftpAddress, SftpFolder
from encompass.gateways.police_feed import FeedAddress, PoliceFeed
from encompass.pipeline.receive_incidents import Feed, FeedRules
from encompass.settings import FeedSettings, SettingsError


def feed_of(settings: FeedSettings, pushed: Callable[[Shape], Feed]) -> tuple[Feed, FeedRules]:
    """The feed and the rules of a look at it; `pushed` is what came of a force that pushes. Raises SettingsError."""
    rules = FeedRules(
        way=settings.way,
        overlap=timedelta(minutes=settings.overlap_minutes),
        first_window=timedelta(hours=settings.first_window_hours),
        fewest_records=settings.fewest_records,
        stale_after=timedelta(hours=settings.stale_after_hours),
    )
    if settings.push is not None:
        return pushed(shape_of_feed(settings)), rules
    drop = _drop(settings)
    if drop is not None:
        return DroppedFiles(drop, mapping_of_feed(settings)), rules
    return PoliceFeed(_address(settings)), rules


def _address(settings: FeedSettings) -> FeedAddress:
    assert settings.base_url is not None
    secret = settings.client_secret
    certificate = settings.certificate_file, settings.certificate_key_file
    for name, file in (
        ("certificate_file", certificate[0]),
        ("certificate_key_file", certificate[1]),
        ("ca_file", settings.ca_file),
    ):
        if file is not None and not file.is_file():
            raise SettingsError(f"feed.{name}: there is no such file")
    return FeedAddress(
        settings.base_url,
        (settings.client_id, secret.get_secret_value()) if settings.client_id and secret else None,
        (str(certificate[0]), str(certificate[1])) if certificate[0] and certificate[1] else None,
        str(settings.ca_file) if settings.ca_file else None,
        page_size=settings.page_size,
        shape=shape_of_feed(settings),
    )


def shape_of_feed(settings: FeedSettings) -> Shape:
    """How the feed's pages are written. Raises SettingsError."""
    mapping = mapping_of_feed(settings)
    return NEUTRAL if mapping is None else shape_of(mapping)


def mapping_of_feed(settings: FeedSettings) -> PoliceMapping | None:
    """How the force's export becomes the contract; None where it is the contract. Raises SettingsError."""
    if settings.mapping is None:
        return None
    try:
        return PoliceMapping.model_validate(settings.mapping)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"feed.mapping: {faults}") from None


def _drop(settings: FeedSettings) -> Drop | None:
    if settings.folder is not None:
        return LocalFolder(settings.folder)
    s = settings.sftp
    if s is None:
        return None
    return SftpFolder(SftpAddress(s.host, s.port, s.username, s.host_key, s.private_key_file, s.folder))
