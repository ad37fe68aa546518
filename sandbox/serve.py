"""The partnership's servers on loopback, and the settings by which Encompass finds them."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.certificates import mail_certificate
from sandbox.identity_provider import Client, identity_provider
from sandbox.mail import USERNAME, mail_server
from sandbox.notify import TEMPLATES, NotifyStandIn, notify
from sandbox.police_feed import CLIENT_ID, police_feed
from sandbox.registers import registers
from sandbox.state import folder, kept_port, kept_secrets, same_port, write_private
from sandbox.wonde import wonde
from sandbox.world import World


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """An access log would be noise."""


class Sandbox:
    """Every server of the outside world, up while inside: `with Sandbox(world, var, web_base_url):`."""

    def __init__(self, world: World, var: Path, web_base_url: str) -> None:
        self._world, self._var, self._web = world, var, web_base_url
        self._stack = ExitStack()
        self._ports = {n: kept_port(var, n) for n in ("police_feed", "registers", "wonde", "notify", "mail")}
        self._ports["identity_provider"] = same_port(var, "identity_provider")
        self.addresses = {n: f"http://127.0.0.1:{p}" for n, p in self._ports.items() if n != "mail"}
        self.addresses["mail"] = f"smtp://127.0.0.1:{self._ports['mail']}"

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        known, world = kept_secrets(self._var), self._world
        clients = {
            "school": Client("school", "encompass-school", known["school_secret"], self._callback("school")),
            "staff": Client("staff", "encompass-staff", known["staff_secret"], self._callback("staff")),
        }
        people = {
            "school": {p.username: p for p in world.people},
            "staff": {p.username: p for p in world.staff},
        }
        provider = identity_provider(self._var, self.addresses["identity_provider"], clients, people)
        self._serve("police_feed", police_feed(world, known["feed_secret"]))
        self._serve("registers", registers(world, known["registers_token"]))
        self._serve("wonde", wonde(world, known["wonde_token"]))
        self._serve("identity_provider", provider)
        self._serve("notify", notify(NotifyStandIn(known["notify_key"], kept_in=folder(self._var))))
        bouncing = [p.email for p in world.people if p.mailbox == "bounces"]
        mail = mail_server(self._var, self._ports["mail"], known["mail_password"], bouncing)
        mail.start()
        self._stack.callback(mail.stop)
        write_private(folder(self._var) / "encompass.toml", self._overlay(known))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _callback(self, audience: str) -> str:
        return f"{self._web}/sign-in/{audience}/callback"

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
client_id = "encompass-school"
client_secret = "{known["school_secret"]}"
[identity.staff]
issuer = "{provider}/staff"
client_id = "encompass-staff"
client_secret = "{known["staff_secret"]}"
[forces.riverbend.feed]
base_url = "{self.addresses["police_feed"]}"
client_id = "{CLIENT_ID}"
client_secret = "{known["feed_secret"]}"
[forces.riverbend.registers]
base_url = "{self.addresses["registers"]}"
token = "{known["registers_token"]}"
[forces.riverbend.registers.wonde]
base_url = "{self.addresses["wonde"]}"
token = "{known["wonde_token"]}"
"""
