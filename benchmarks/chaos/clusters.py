"""A folder, a PostgreSQL cluster and a Redis server of one's own, for as long as a run takes."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

START_S = 30.0


class NotInstalled(Exception):  # noqa: N818 - says what is missing
    """A server's programs are not on this machine; the message says which."""


@contextmanager
def own_folder(prefix: str, *, keep: Path | None = None) -> Iterator[Path]:
    """Give a folder that is gone afterwards; SIGTERM ends the run as Ctrl-C does.

    Args:
        keep: where its `logs` are copied to at the end.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        try:
            yield folder
        finally:
            if keep and (folder / "logs").exists():
                shutil.copytree(folder / "logs", keep, dirs_exist_ok=True)


@contextmanager
def own_postgres(name: str) -> Iterator[None]:
    """Have this process, which has not set Django up yet, and its children work on a cluster of
    its own."""
    with own_folder(f"{name}-") as folder, PostgresCluster(folder, name=name) as postgres:
        os.environ.update(
            DATABASE_URL=postgres.url,
            DATA_DIR=str(folder),
            REDIS_URL="",
            LOG_LEVEL="ERROR",
            DJANGO_SETTINGS_MODULE="reauto_site.settings.test",
        )
        yield


def postgres_programs() -> Path:
    """Return the folder with `initdb` and `pg_ctl`.

    Raises:
        NotInstalled: there is none.
    """
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    folders = [*versions, *([Path(found).resolve().parent] if found else [])]
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise NotInstalled("PostgreSQL's initdb and pg_ctl are not installed")


def redis_program() -> str:
    """Return the path of redis-server.

    Raises:
        NotInstalled: it is not there.
    """
    found = shutil.which("redis-server")
    if found is None:
        raise NotInstalled("redis-server is not installed")
    return found


class PostgresCluster:
    """PostgreSQL on a free port, with its files in one folder; lives in a `with` block.

    PostgreSQL does not run as root: then it runs as `postgres`, or as `nobody`.
    """

    def __init__(self, folder: Path, *, name: str = "chaos") -> None:
        self._programs = postgres_programs()
        self._data = folder / "postgresql"
        self._name = name
        self.port = free_port()
        self._owner = _unprivileged() if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{self._name}"

    def __enter__(self) -> Self:
        self._data.mkdir(parents=True)
        if self._owner is not None:
            os.chown(self._data, self._owner.pw_uid, self._owner.pw_gid)
            for parent in [self._data, *self._data.parents][:4]:
                if parent.owner() == "root" and str(parent) != "/tmp":
                    parent.chmod(parent.stat().st_mode | 0o011)
            self._data.chmod(0o700)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "--no-sync")
        with (self._data / "postgresql.auto.conf").open("a") as file:
            # A crash of its processes loses nothing without fsync; one of the machine would.
            file.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                "unix_socket_directories = ''\nfsync = off\nmax_connections = 200\n"
                "shared_buffers = 128MB\nmax_wal_size = 4GB\n"
            )
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", self._name)
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        log = str(self._data / "server.log")
        self._run(
            "pg_ctl", "-D", str(self._data), "-w", "-t", str(int(START_S)), "-l", log, "start"
        )

    def crash(self) -> None:
        """Stop it as a crash would: no transaction ends, nobody is told."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop", check=False)

    def _run(self, program: str, *arguments: str, check: bool = True) -> None:
        owner = self._owner
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._data.parent if owner is None else "/",
            user=None if owner is None else owner.pw_uid,
            group=None if owner is None else owner.pw_gid,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{program} failed: {(done.stderr or '').strip()[-500:]}")


class RedisServer:
    """Redis on a free port, which keeps nothing over a crash; lives in a `with` block."""

    def __init__(self, folder: Path) -> None:
        self._program = redis_program()
        self._folder = folder / "redis"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.crash()

    def start(self) -> None:
        """Start it empty, and wait until it answers."""
        command: Sequence[str] = [
            self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", str(self._folder), "--loglevel", "warning",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + START_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server did not start")
            time.sleep(0.05)

    def crash(self) -> None:
        """Kill it: what it held is gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()


def free_port() -> int:
    """Return a TCP port that nobody uses on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NotInstalled("PostgreSQL does not run as root, and there is no user postgres or nobody")
