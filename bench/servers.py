"""Starts telecode and its peers, each with two workers in a session of its own, and ends them again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError

from bench.tokens import Tokens, trust_folder

HERE = Path(__file__).parent
SERVICE = "telehealth-em-encounter-discharge"
PATIENCE = 60.0
"""Seconds that a server may take to start."""


@dataclass(frozen=True)
class Peer:
    """A server that runs: its name in the table, where it takes hooks, its session, and the tokens it wants, if any."""

    name: str
    url: str
    session: int
    tokens: Tokens | None = None


@contextmanager
def telecode(folder: Path, algorithm: str = "", **settings: str) -> Iterator[Peer]:
    """Telecode as users run it, with a store in `folder`; with authentication if an `algorithm` is named."""
    port = _free_port()
    environment = {"TELECODE_DATABASE_URL": f"sqlite:///{folder}/telecode.db", "TELECODE_ENVIRONMENT": "development"}
    environment |= {f"TELECODE_{name.upper()}": value for name, value in settings.items()}
    address, path = f"http://127.0.0.1:{port}", f"/cds-services/{SERVICE}"
    tokens = None
    if algorithm:
        tokens = Tokens(folder, algorithm, audience=address + path)
        environment |= {
            "TELECODE_AUTH": "required",
            "TELECODE_TRUST": str(trust_folder(folder, tokens)),
            "TELECODE_PUBLIC_URL": address,
        }
    command = [sys.executable, "-m", "cds_hooks.cli", "serve", "--port", str(port), "--workers", "2"]
    with _running(command, environment, address + "/cds-services") as session:
        yield Peer(f"telecode, {algorithm}" if algorithm else "telecode", address + path, session, tokens)


@contextmanager
def flask_peer(which: str) -> Iterator[Peer]:
    """One of the peers in `bench.peers`."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}/cds-services/bench"
    with _running([sys.executable, "-m", "bench.peers", which, str(port)], {}, address) as session:
        yield Peer(which, address, session)


@contextmanager
def healthchain(folder: Path) -> Iterator[Peer]:
    """HealthChain in an environment of its own, which is made in `folder` if it is not there yet."""
    python = folder / "healthchain" / "bin" / "python"
    if not python.exists():
        venv.create(folder / "healthchain", with_pip=True)
        lock = HERE / "requirements-healthchain.txt"
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes", "-r", lock], check=True)
    port = _free_port()
    script = str(HERE / "healthchain_service.py")
    environment = {"PYTHONPATH": str(HERE)}
    with _running(
        [str(python), script, str(port)], environment, f"http://127.0.0.1:{port}/cds/cds-discovery"
    ) as session:
        yield Peer("HealthChain", f"http://127.0.0.1:{port}/cds/cds-services/bench", session)


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str], probe: str) -> Iterator[int]:
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that its processor time can be told from others', and it be ended with its workers
    )
    try:
        wait_for(probe)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        finally:
            with suppress(ProcessLookupError):  # all of them are gone, as they should be
                os.killpg(process.pid, signal.SIGKILL)


def wait_for(probe: str) -> None:
    """Wait until something answers at an address. Raises TimeoutError."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(probe, timeout=PATIENCE).close()  # noqa: S310 - loopback, made here
        except HTTPError:
            return  # it answers, be it to say that it wants a POST
        except (URLError, ConnectionError):
            time.sleep(0.005)
        else:
            return
    raise TimeoutError(f"nothing answers at {probe}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
