"""The partnerships' servers on loopback, and the settings by which Encompass finds them."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox import dropped_files
from sandbox.certificates import mail_certificate
from sandbox.identity_provider import ROLE, SERVICE, Client, client_of_tenant, identity_provider
from sandbox.mail import USERNAME, mail_server
from sandbox.notify import TEMPLATES, NotifyStandIn, notify
from sandbox.police_feed import CLIENT_ID, police_feed
from sandbox.registers import registers
from sandbox.state import folder, kept_port, kept_secrets, same_port, write_private
from sandbox.wonde import wonde
from sandbox.world import World, neighbour

SERVERS = ("police_feed", "registers", "wonde", "notify", "mail", "fellgate_files", "fellgate_registers")
TENANT = "5a1fd2a6-7a3e-4a55-9d0b-6f1e2c3d4b5a"
FELLGATE_TENANT = "c2b87d30-51f4-4f0e-8c11-0a9d7e6b5f42"
STAFF_CLIENT = "encompass-staff"
SCHEMES = {"mail": "smtp", "fellgate_files": "sftp"}


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """An access log would be noise."""


class Sandbox:
    """Every server of the outside world of both forces, up while inside: `with Sandbox(world, var, web_base_url):`.

    `world` is Riverbend's; Fellgate's night is the neighbour's.
    """

    def __init__(self, world: World, var: Path, web_base_url: str) -> None:
        self._world, self._fellgate, self._var, self._web = world, neighbour(world), var, web_base_url
        self._stack = ExitStack()
        self._ports = {n: kept_port(var, n) for n in SERVERS}
        self._ports["identity_provider"] = same_port(var, "identity_provider")
        self.addresses = {n: f"{SCHEMES.get(n, 'http')}://127.0.0.1:{p}" for n, p in self._ports.items()}

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        known, world, fellgate = kept_secrets(self._var), self._world, self._fellgate
        provider = identity_provider(
            self._var, self.addresses["identity_provider"], self._clients(known), known["role_api_secret"]
        )
        self._serve("police_feed", police_feed(world, known["feed_secret"]))
        self._serve("registers", registers(world, known["registers_token"]))
        self._serve("fellgate_registers", registers(fellgate, known["fellgate_registers_token"]))
        self._serve("wonde", wonde(world, known["wonde_token"]))
        self._serve("identity_provider", provider)
        self._serve("notify", notify(NotifyStandIn(known["notify_key"], kept_in=folder(self._var))))
        bouncing = [p.email for p in (*world.people, *fellgate.people) if p.mailbox == "bounces"]
        mail = mail_server(self._var, self._ports["mail"], known["mail_password"], bouncing)
        mail.start()
        self._stack.callback(mail.stop)
        host_key = self._drop_files()
        write_private(
            folder(self._var) / "encompass.toml", self._overlay(known) + self._forces(known, host_key)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _drop_files(self) -> str:
        """Fellgate's SFTP server; its host key, as in a known_hosts file."""
        for name in ("fellgate_host", "fellgate_client"):
            if not (folder(self._var) / name).exists():
                write_private(folder(self._var) / name, dropped_files.new_key())
        host, client = (
            (folder(self._var) / name).read_text("utf-8") for name in ("fellgate_host", "fellgate_client")
        )
        server = dropped_files.SftpServer(
            self._ports["fellgate_files"], host, client, lambda: dropped_files.dropped_files(self._fellgate)
        )
        server.start()
        self._stack.callback(server.stop)
        key = dropped_files.key_of(host)
        return f"{key.get_name()} {key.get_base64()}"

    def _clients(self, known: dict[str, str]) -> tuple[Client, ...]:
        """Us, as DfE Sign-in knows us, as Riverbend's tenant does with people of both forces, and as Fellgate's."""
        world, fellgate = self._world, self._fellgate
        schools = {p.username: p for p in (*world.people, *fellgate.people)}
        both = (*world.staff, *fellgate.staff)
        shared, own = known["staff_secret"], known["fellgate_staff_secret"]
        return (
            Client("school", SERVICE, known["school_secret"], self._callback("school"), schools),
            client_of_tenant(TENANT, STAFF_CLIENT, shared, self._callback("staff"), both),
            client_of_tenant(
                FELLGATE_TENANT, STAFF_CLIENT, own, self._callback("force/fellgate"), fellgate.staff
            ),
        )

    def _callback(self, door: str) -> str:
        return f"{self._web}/sign-in/{door}/callback"

    def _serve(self, name: str, app: Flask) -> None:
        server = make_server("127.0.0.1", self._ports[name], app, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(server.shutdown)

    def _overlay(self, known: dict[str, str]) -> str:
        """Encompass's settings for this sandbox: addresses and secrets, in a file that only the owner reads."""
        authority, _ = mail_certificate(self._var)
        provider = self.addresses["identity_provider"]
        return f"""environment = "sandbox"
[web]
base_url = "{self._web}"
secret_key = "{known["web_secret_key"]}"
[mail]
host = "127.0.0.1"
port = {self._ports["mail"]}
username = "{USERNAME}"
password = "{known["mail_password"]}"
sender = "messages@notice.example"
ca_file = "{authority}"
[nudges]
sms = "notify"
[nudges.notify]
base_url = "{self.addresses["notify"]}"
api_key = "{known["notify_key"]}"
callback_token = "{known["notify_callback_token"]}"
email_templates = {{ en = "{TEMPLATES["email", "en"]}", cy = "{TEMPLATES["email", "cy"]}" }}
sms_templates = {{ en = "{TEMPLATES["sms", "en"]}", cy = "{TEMPLATES["sms", "cy"]}" }}
[identity.school]
issuer = "{provider}/school"
client_id = "{SERVICE}"
client_secret = "{known["school_secret"]}"
[identity.school.role_api]
url = "{provider}/api"
service_id = "{SERVICE}"
secret = "{known["role_api_secret"]}"
roles = ["{ROLE}"]
[identity.staff]
issuer = "{provider}/{TENANT}/v2.0"
client_id = "{STAFF_CLIENT}"
client_secret = "{known["staff_secret"]}"
tenant = "{TENANT}"
"""

    def _forces(self, known: dict[str, str], host_key: str) -> str:
        """Where each force's feed and registers are."""
        return f"""[forces.riverbend.feed]
base_url = "{self.addresses["police_feed"]}"
client_id = "{CLIENT_ID}"
client_secret = "{known["feed_secret"]}"
[forces.riverbend.registers]
base_url = "{self.addresses["registers"]}"
token = "{known["registers_token"]}"
[forces.riverbend.registers.wonde]
base_url = "{self.addresses["wonde"]}"
token = "{known["wonde_token"]}"
[forces.fellgate.feed.sftp]
host = "127.0.0.1"
port = {self._ports["fellgate_files"]}
username = "{dropped_files.USERNAME}"
host_key = "{host_key}"
private_key_file = "{folder(self._var) / "fellgate_client"}"
[forces.fellgate.registers]
base_url = "{self.addresses["fellgate_registers"]}"
token = "{known["fellgate_registers_token"]}"
[forces.fellgate.staff.identity]
issuer = "{self.addresses["identity_provider"]}/{FELLGATE_TENANT}/v2.0"
client_id = "{STAFF_CLIENT}"
client_secret = "{known["fellgate_staff_secret"]}"
tenant = "{FELLGATE_TENANT}"
"""
