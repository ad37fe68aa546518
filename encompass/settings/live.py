"""What a live installation refuses: the sandbox's secrets and issuers, addresses in the clear, our own PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

from pydantic import SecretStr

if TYPE_CHECKING:
    from encompass.settings import Settings

SANDBOX_SECRET: Final = "sandbox-"  # noqa: S105 - no secret itself
"""How every secret of the sandbox begins."""
ADDRESSES: Final = frozenset({"base_url", "issuer", "url"})
NOBODY_S: Final = ("localhost", ".localhost", ".example", ".invalid", ".test")


def unfit_for_live(settings: Settings) -> list[str]:
    """What is wrong with these settings for a live installation, by name; empty when nothing is."""
    told = dict(_leaves(settings.model_dump()))
    addresses = {n: v for n, v in told.items() if n.rsplit(".", 1)[-1] in ADDRESSES and isinstance(v, str)}
    insecure = sorted(n for n, url in addresses.items() if not url.startswith("https://"))
    rehearsed = sorted(n for n, url in addresses.items() if n not in insecure and _is_nobody_s(url))
    known = sorted(n for n, v in told.items() if isinstance(v, SecretStr) and _is_sandbox_s(v))
    faults = {
        "environment = live needs https in": insecure,
        "environment = live refuses addresses that only a rehearsal has, in": rehearsed,
        "environment = live refuses the sandbox's secrets, in": known,
    }
    embedded = ["environment = live needs database.mode = external"]
    said = [f"{fault}: {', '.join(names)}" for fault, names in faults.items() if names]
    return said + (embedded if settings.database.mode == "embedded" else [])


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, object]]:
    """Every single setting with its dotted name."""
    if isinstance(value, Mapping):
        for key, below in cast(Mapping[str, object], value).items():
            yield from _leaves(below, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for number, below in enumerate(cast(tuple[object, ...], value)):
            yield from _leaves(below, f"{name}.{number}")
    else:
        yield name, value


def _is_sandbox_s(secret: SecretStr) -> bool:
    return secret.get_secret_value().startswith(SANDBOX_SECRET)


def _is_nobody_s(url: str) -> bool:
    """Whether no live service can be there: this machine, or a name kept for examples (RFC 2606, RFC 6761)."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return not host or host == NOBODY_S[0] or host.endswith(NOBODY_S[1:])
