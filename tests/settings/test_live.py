"""What a live installation refuses: the sandbox's secrets and issuers, addresses in the clear, our own PostgreSQL."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from encompass.cli.commands import main
from encompass.settings import Settings, SettingsError, load_settings
from encompass.settings.live import SANDBOX_SECRET
from encompass.store.sealed import make_ring, read_ring
from encompass.wiring import opened
from sandbox import state
from tests.cluster import Cluster

TENANT = "5a1fd2a6-7a3e-4a55-9d0b-6f1e2c3d4b5a"
LIVE = f"""environment = "live"
[database]
mode = "external"
[web]
base_url = "https://encompass.police.uk"
secret_key = "k-1"  # pragma: allowlist secret
[mail]
host = "mail"
port = 25
username = "u"
password = "k-2"  # pragma: allowlist secret
sender = "messages@encompass.police.uk"
[identity.school]
issuer = "https://oidc.signin.education.gov.uk"
client_id = "Encompass"
client_secret = "k-3"  # pragma: allowlist secret
[identity.school.role_api]
url = "https://api.signin.education.gov.uk"
service_id = "Encompass"
secret = "k-4"  # pragma: allowlist secret
roles = ["key-adult"]
[identity.staff]
issuer = "https://login.microsoftonline.com/{TENANT}/v2.0"
client_id = "c"
client_secret = "k-5"  # pragma: allowlist secret
tenant = "{TENANT}"
[forces.own]
name = "Own Police"
partnership_id = "own"
partnership_name = "Own"
[forces.own.feed]
base_url = "https://records.police.uk"
client_id = "c"
client_secret = "k-6"  # pragma: allowlist secret
[forces.own.registers]
base_url = "https://registers.police.uk"
token = "k-7"
[forces.own.profile]
fields = ["date_of_birth", "occurred_from"]
send_by = 08:30:00
school_starts = 08:45:00
chase_after = 09:00:00
"""


def loaded(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    file, forces = tmp_path / "live.toml", tmp_path / "forces"
    forces.mkdir(exist_ok=True)
    file.write_text(text)
    monkeypatch.setenv("ENCOMPASS_CONFIG", str(file))
    monkeypatch.setenv("ENCOMPASS_FORCES", str(forces))
    return load_settings()


def test_live_settings_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(LIVE, tmp_path, monkeypatch).environment == "live"


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        (f'"{secret}"', f'"sandbox-{secret}"', f"refuses the sandbox's secrets, in: {name}$")
        for secret, name in (
            ("k-1", "web.secret_key"),
            ("k-2", "mail.password"),
            ("k-3", "identity.school.client_secret"),
            ("k-4", "identity.school.role_api.secret"),
            ("k-5", "identity.staff.client_secret"),
            ("k-6", "forces.own.feed.client_secret"),
            ("k-7", "forces.own.registers.token"),
        )
    ]
    + [
        ("https://oidc", "http://oidc", "needs https in: identity.school.issuer$"),
        ("https://api", "http://api", "needs https in: identity.school.role_api.url$"),
        ("https://login", "http://login", "needs https in: identity.staff.issuer$"),
        ("https://records", "http://records", "needs https in: forces.own.feed.base_url$"),
        ("oidc.signin.education.gov.uk", "127.0.0.1:8400", "only a rehearsal has, in: identity.school.issuer$"),
        ("oidc.signin.education.gov.uk", "[::1]", "only a rehearsal has, in: identity.school.issuer$"),
        ("oidc.signin.education.gov.uk", "localhost", "only a rehearsal has, in: identity.school.issuer$"),
        ("api.signin.education.gov.uk", "roles.example", "only a rehearsal has, in: identity.school.role_api.url$"),
        ("login.microsoftonline.com", "issuer.test.", "only a rehearsal has, in: identity.staff.issuer$"),
        ("encompass.police.uk\"\ns", "pages.localhost\"\ns", "only a rehearsal has, in: web.base_url$"),
        ('mode = "external"', 'mode = "embedded"', "needs database.mode = external$"),
        (f"com/{TENANT}/v2.0", "com/common/v2.0", "identity.staff: Value error, issuer: not the tenant's own"),
        (f"com/{TENANT}/v2.0", "com/organizations/v2.0", "issuer: not the tenant's own"),
    ],
)  # fmt: skip
def test_a_live_installation_refuses(
    was: str, becomes: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert was in LIVE
    with pytest.raises(SettingsError, match=re.compile(fault, re.MULTILINE)) as refused:
        loaded(LIVE.replace(was, becomes), tmp_path, monkeypatch)
    assert "k-" not in str(refused.value)


STAFF = f"""[forces.own.staff.identity]
issuer = "https://login.microsoftonline.com/{TENANT}/v2.0"
client_id = "c"
client_secret = "k-8"  # pragma: allowlist secret
tenant = "{TENANT}"
"""
SHARED = LIVE[LIVE.index("[identity.staff]") : LIVE.index("[forces.own]")]


def test_every_force_s_staff_have_one_provider_and_no_two_share_by_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="identity.staff: missing, and own have no staff.identity"):
        loaded(LIVE.replace(SHARED, ""), tmp_path, monkeypatch)
    assert loaded(LIVE.replace(SHARED, "") + STAFF, tmp_path, monkeypatch).identity.staff is None
    with pytest.raises(SettingsError, match="one issuer cannot be two of the providers"):
        loaded(LIVE + STAFF, tmp_path, monkeypatch)


def test_a_live_installation_refuses_a_key_ring_that_a_sandbox_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = tmp_path / "ring.json"
    text = f'{LIVE}[keys]\nring_file = "{ring}"\naudit_signing_key_file = "{tmp_path}/signing.pem"\n'
    live = loaded(text, tmp_path, monkeypatch)
    make_ring(ring, live.forces, "sandbox")
    with pytest.raises(SettingsError, match="refuses the sandbox's key ring"), opened(live):
        pass
    ring.unlink()
    said = CliRunner().invoke(main, ["make-keys"])
    assert (said.exit_code, str(ring) in said.output) == (0, True)
    assert {f.name: f.stat().st_mode & 0o777 for f in (ring, tmp_path / "signing.pem")} == {
        "ring.json": 0o600,
        "signing.pem": 0o600,
    }
    before = ring.read_bytes()
    assert CliRunner().invoke(main, ["make-keys"]).exit_code == 0
    assert ring.read_bytes() == before
    assert not read_ring(ring, live.forces).is_of_sandbox
    with pytest.raises(SettingsError, match="database.port is missing"), opened(live):
        pass


def test_the_sandbox_s_own_settings_are_refused_name_by_name(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = cluster.var / "sandbox" / "encompass.toml"
    live = cluster.var / "live.toml"
    live.write_text(overlay.read_text().replace('environment = "sandbox"', 'environment = "live"'))
    monkeypatch.setenv("ENCOMPASS_CONFIG", os.pathsep.join(["config/encompass.toml", str(live)]))
    with pytest.raises(SettingsError) as refused:
        load_settings()
    said = str(refused.value)
    secrets = said.split("the sandbox's secrets, in: ")[1].split("\n", maxsplit=1)[0].split(", ")
    kept = set(state.kept_secrets(cluster.var))
    assert len(secrets) == len(kept) == 12
    for name in ("identity.school.issuer", "identity.school.role_api.url", "identity.staff.issuer"):
        assert name in said.split("needs https in: ")[1].split("\n", maxsplit=1)[0]
    assert SANDBOX_SECRET == state.SANDBOX_SECRET
    assert cluster.ring.is_of_sandbox
