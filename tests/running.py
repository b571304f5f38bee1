"""A real `telecode serve` with real workers and sockets, for tests that ask what happens outside one process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]
LONG = 60.0
"""Seconds after which a test gives up; nothing here is timed."""
NOTE_SIGN = "/cds-services/telehealth-em-note-sign"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Running:
    """One served instance; `lines` holds what it wrote to standard error, as JSON."""

    def __init__(self, port: int, workers: int, environment: dict[str, str], host: str = "127.0.0.1") -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.written: list[str] = []
        self._told = threading.Condition()
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "cds_hooks.cli", "serve", "--host", host, "--port", str(port)],
            env=os.environ | {"WEB_CONCURRENCY": str(workers)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # so that it can be killed with its workers, and no others
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._told:
                self.written.append(line)
                self._told.notify_all()
        with self._told:
            self._told.notify_all()

    @property
    def lines(self) -> list[Json]:
        return [json.loads(line) for line in list(self.written)]

    def wait_until(self, told: Callable[[list[Json]], bool]) -> None:
        """Wait until the lines written so far fulfil a condition."""
        with self._told:
            assert self._told.wait_for(lambda: told(self.lines) or not self._reader.is_alive(), LONG), self.written
            assert told(self.lines), self.written

    def started(self, workers: int) -> None:
        """Wait until so many workers have started, those that are gone included, and the door is open."""
        self.wait_until(lambda lines: sum("Started worker" in line.get("message", "") for line in lines) >= workers)
        while self.refuses():
            assert self.process.poll() is None, self.written

    def stop(self) -> int:
        """Ask it to stop as a host does, and wait. Returns its exit code."""
        if self.process.poll() is None:
            self.tell(signal.SIGTERM)
        return self.ended()

    def tell(self, what: signal.Signals, *, workers_too: bool = False) -> None:
        """Send a signal, to the first process alone or to its workers too."""
        if workers_too:
            os.killpg(self.process.pid, what)
        else:
            self.process.send_signal(what)

    def ended(self) -> int:
        """Wait for its end. Returns its exit code."""
        code = self.process.wait(LONG)
        self._reader.join(LONG)
        return code

    def refuses(self) -> bool:
        """Whether a new connection is refused."""
        try:
            socket.create_connection(("127.0.0.1", self.port), LONG).close()
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it stopped listening while we knocked
            return True
        return False


@contextmanager
def running(
    folder: Path, *, workers: int = 2, port: int | None = None, host: str = "127.0.0.1", **settings: str
) -> Iterator[Running]:
    """Serve with `settings` (TELECODE_..., in small letters), a database in `folder`, until the block ends."""
    environment = {"TELECODE_DATABASE_URL": f"sqlite:///{folder}/telecode.db", "TELECODE_NOTICE": "0"}
    environment |= {f"TELECODE_{name.upper()}": value for name, value in settings.items()}
    instance = Running(port or free_port(), workers, environment, host)
    try:
        instance.started(workers)
        yield instance
    finally:
        instance.stop()
        assert instance.process.stdout is not None
        instance.process.stdout.close()
        assert instance.process.stderr is not None
        instance.process.stderr.close()
