"""Real servers for the tests: PostgreSQL, and nginx before two instances; gone when they are done."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.running import free_port
from tests.servers.proxied import Pair, pair

DEBIANS = Path("/usr/lib/postgresql")


def postgres_binary(name: str) -> str:
    found = shutil.which(name) or next((str(path) for path in sorted(DEBIANS.glob(f"*/bin/{name}"))), None)
    if found is None:
        pytest.fail(f"{name} is missing: install PostgreSQL (Debian: apt-get install postgresql)")
    return found


def as_postgres(command: list[str], folder: Path) -> None:
    """PostgreSQL refuses to run as root: then its own user runs it."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60)  # noqa: S603 - our own command


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of an empty database; each test that writes makes its tables anew by its own schema or rows."""
    initdb, pg_ctl = postgres_binary("initdb"), postgres_binary("pg_ctl")
    folder = Path(mkdtemp(prefix="telecode-postgres-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, port = str(folder / "data"), free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
    as_postgres([initdb, "-D", data, "-U", "telecode", "-A", "trust", "-E", "UTF8"], folder)
    as_postgres([pg_ctl, "-D", data, "-o", options, "-l", str(folder / "log"), "-w", "start"], folder)
    try:
        yield f"postgresql://telecode@127.0.0.1:{port}/postgres"
    finally:
        as_postgres([pg_ctl, "-D", data, "-m", "immediate", "stop"], folder)
        shutil.rmtree(folder, ignore_errors=True)


def new_database(postgres: str) -> str:
    """The address of a database that nobody else uses."""
    name = f"t{uuid4().hex}"
    engine = create_engine(make_url(postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(postgres).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def two_instances(tmp_path: Path) -> Iterator[Callable[..., Pair]]:
    """Starts two instances behind nginx, with settings given as keywords (`database_url=...`, `auth=...`)."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(pair(tmp_path, **settings))
