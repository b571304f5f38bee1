"""Replaces workers of `telecode serve`: an old one is given up only once its successor has loaded all it needs.

What a worker loads may have been broken since the last was started: a table, a trust list, the store. Then the old ones
go on answering, and the journal says why they were kept.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from granian._granian import SocketHolder
from granian.server.mp import MPServer

from cds_hooks.checks import reasons
from cds_hooks.listening import WAITING

AGAIN = 10.0
"""Seconds after which a worker that died and could not be replaced is tried again, while others answer."""
STARTING = 60.0
"""Seconds that a worker may take to load; it commonly takes two."""
GLANCE = 0.5
"""Seconds between two looks at whether the service was told to stop while a worker starts."""
_LOG = logging.getLogger("telecode")

Loader = Callable[[], Any]
Worker = Any
"""A worker as Granian holds it, whose methods have no type hints."""


def load_or_tell(load: Loader, tell: Connection | None = None) -> Any:  # noqa: ANN401 - whatever the server runs
    """Load the application in a worker; if it cannot be, write all that is wrong into the journal, and end.

    Parameters: `tell`, by which the first process hears that it is loaded.
    """
    for told in (signal.SIGTERM, signal.SIGINT):  # they came with the first process' own handlers
        signal.signal(told, signal.SIG_DFL)
    try:
        app = load()
    except Exception as fault:  # noqa: BLE001 - any fault ends this worker, and no other
        for why in reasons(fault):
            _LOG.error("a worker cannot start: %s", why)
        sys.exit(1)
    if tell is not None:
        tell.send(True)
        tell.close()
    return app


class Replacing(MPServer):
    """Granian's server on one shared socket, with workers that are replaced only by workers that can answer."""

    listener: socket.socket
    wrks: list[Worker]
    _shd: Any

    def _init_shared_socket(self) -> None:
        self._ssp = None
        self._sso = self.listener  # by this a worker that is spawned, not forked, gets it; a stop closes it here
        self._shd = SocketHolder(self.listener.fileno(), False, WAITING)  # type: ignore[call-arg] # its hints are older

    def _respawn_workers(
        self,
        workers: Sequence[int],
        spawn_target: Callable[..., None],
        target_loader: Loader,
        delay: float = 0,  # noqa: ARG002 - the server gives it
    ) -> None:
        """Replace workers one by one; `delay` is not waited for, since a worker says when it is ready."""
        for idx in workers:
            old = self.wrks[idx]
            if not old.is_alive():
                self._tell_end(old)
            new = self._successor(idx, spawn_target, target_loader)
            if self.interrupt_signal:
                if new is not None:
                    self._retire(new)
                return
            if new is not None:
                self.wrks[idx] = new
                self.respawned_wrks[idx] = time.monotonic()
                self._retire(old)
            elif old.is_alive():
                _LOG.error("nothing is reloaded: worker-%d goes on with what it has, and so do those after it", idx + 1)
                return
            elif any(worker.is_alive() for worker in self.wrks):
                _LOG.error("worker-%d is missing: it is tried again in %d seconds", idx + 1, AGAIN)
                threading.Timer(AGAIN, self._miss, (idx,)).start()
            else:
                _LOG.error("no worker is left, and none can start: the service ends")
                self.interrupt_children.append(idx)  # so that it ends with exit code 1
                self.interrupt_signal = True
                self.main_loop_interrupt.set()
                return

    def shutdown(self, exit_code: int = 0) -> None:
        """End, and say how the workers ended for whose sake it does."""
        for idx in {idx for idx in self.interrupt_children if not self.wrks[idx].is_alive()}:
            self._tell_end(self.wrks[idx])
        end: Callable[[int], None] = super().shutdown
        end(exit_code)

    def _successor(self, idx: int, spawn_target: Callable[..., None], target_loader: Loader) -> Worker | None:
        """A worker that has loaded all it needs; `None` if it could not, or if the service was told to stop."""
        heard, tell = Pipe(duplex=False)
        load = partial(load_or_tell, target_loader, tell)
        new: Worker = self._spawn_worker(idx=idx, target=spawn_target, callback_loader=load)
        new.interrupt_by_parent = True  # until it is ready its end is a failed start, and nobody else's concern
        new.start()
        tell.close()
        ready = self._is_ready(new, heard)
        heard.close()
        if ready:
            new.interrupt_by_parent = False
            if new.is_alive():
                return new
        new.kill()
        new.join()
        return None

    def _is_ready(self, new: Worker, heard: Connection) -> bool:
        late = time.monotonic() + STARTING
        while not wait([heard, new.inner.sentinel], GLANCE):
            if self.interrupt_signal:
                return False
            if time.monotonic() > late:
                _LOG.error("worker-%d did not start within %d seconds", new.idx + 1, STARTING)
                return False
        try:
            return heard.poll() and bool(heard.recv())
        except EOFError:
            return False

    def _retire(self, old: Worker) -> None:
        """Let a worker finish what it has taken, and end it if that takes too long."""
        old.terminate()
        old.join(self.workers_kill_timeout)
        if old.is_alive():
            _LOG.warning("worker-%d did not finish in time and is ended", old.idx + 1)
            old.kill()
            old.join()
        _LOG.info("Stopped old worker-%d", old.idx + 1)

    def _miss(self, idx: int) -> None:
        """Have a worker replaced that is still missing."""
        if not self.interrupt_signal and not self.wrks[idx].is_alive():
            self.interrupt_children.append(idx)
            self.main_loop_interrupt.set()

    @staticmethod
    def _tell_end(worker: Worker) -> None:
        code = worker.inner.exitcode
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with exit code {code}"
        _LOG.error("worker-%d ended %s", worker.idx + 1, how)
