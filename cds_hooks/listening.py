"""Takes the port that the service listens on, or says in one sentence why it cannot be had and what to change.

The port is taken once, by the first process, and its workers share it: a second service is refused it by the system,
and it is never free for another program while a worker is being replaced.
"""

from __future__ import annotations

import errno
import socket

WAITING = 1024
"""Connections that may wait until a worker takes them."""
HIGHEST = 65_535
FIRST_FREE = 1024
"""Ports below need rights that a service should not have."""
LOCALHOST = ("127.0.0.1", "::1")
"""What localhost is, whatever a file of hosts or a name server says."""


class CannotListenError(Exception):
    """A host or port that cannot be listened on: one sentence that says what to change."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `host`, a name or an address of this machine, and `port`.

    It is bound alone: no other program can listen there, nor on an address that takes its place. A port whose last
    connections are still fading (TIME_WAIT) can be taken at once. Raises CannotListenError.
    """
    if not 0 < port <= HIGHEST:
        raise CannotListenError(f"there is no port {port}: give one from 1 to {HIGHEST} by --port or PORT")
    refused: OSError | None = None
    for family, address in _addresses(host, port):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(WAITING)
        except OSError as failed:
            listener.close()
            refused = refused or failed
            if failed.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                break
        else:
            listener.setblocking(False)
            return listener
    raise CannotListenError(_why(host, port, refused)) from None


def _addresses(host: str, port: int) -> list[tuple[int, tuple[str, int] | tuple[str, int, int, int]]]:
    found = []
    for name in LOCALHOST if host == "localhost" else (host,):
        try:
            found += socket.getaddrinfo(name or " ", port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # the latter for what cannot be a name
            continue
    if not found:
        raise CannotListenError(f"no address is known for the host {host!r}: give an address of this machine by --host")
    return [(int(family), address) for family, _, _, _, address in found]  # type: ignore[misc]


def _why(host: str, port: int, refused: OSError | None) -> str:
    where = f"port {port} of {host}"
    match refused.errno if refused else None:
        case errno.EADDRINUSE:
            return f"{where} is taken by another program, perhaps another telecode: stop it, or give another --port"
        case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
            return f"{host} is no address of this machine: give one that is by --host"
        case errno.EACCES | errno.EPERM if port < FIRST_FREE:
            return f"{where} needs rights that this user does not have: give a --port from {FIRST_FREE} up"
        case _:
            return f"{where} cannot be listened on ({refused and refused.strerror}): give another --host or --port"
