"""Where a server's name leads: the address is looked up, judged, and the very address that was judged is called."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import field_validator

from cds_hooks.coding.citation import Items
from cds_hooks.exchange.issuers import LOOPBACK
from fhir_mapping.tables import Day, Row, read_table

KEPT = 30.0
"""Seconds for which a judged address is called without asking for the name again."""
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[..., Sequence[tuple[Any, ...]]]
_NAT64 = ip_network("64:ff9b::/96")
_LAST_FOUR = 0xFFFF_FFFF
_LOG = logging.getLogger("telecode")


class AddressRefusedError(OSError):
    """A name that leads nowhere, or to an address that must not be called."""


class _Never(Row):
    network: str
    what: str

    @field_validator("network")
    @classmethod
    def _is_network(cls, text: str) -> str:
        ip_network(text)
        return text


class _Networks(Row):
    retrieved: Day
    never: Items[_Never]


@dataclass(frozen=True)
class AddressRules:
    """Which addresses may be called.

    `never` those networks; `private` ones if a site says so; `loopback` for servers that are named as loopback, on a
    developer's machine.
    """

    never: tuple[Network, ...]
    private: bool = False
    loopback: bool = False

    def allow(self, address: Address, host: str) -> bool:
        """Whether `host` may be called at `address`, which may stand for others."""
        return all(self._allow(one, host) for one in _meant(address))

    def _allow(self, address: Address, host: str) -> bool:
        if any(address in network for network in self.never if network.version == address.version):
            return False
        if address.is_loopback:
            return self.private or (self.loopback and host in LOOPBACK)
        if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
            return False
        if isinstance(address, IPv6Address) and address.is_site_local:
            return False
        return self.private or address.is_global


def load_address_rules(folder: Path, *, private: bool, loopback: bool) -> AddressRules:
    """Read `networks.yaml`. Raises TableError with file and line."""
    rows = read_table(folder / "networks.yaml", root=folder).as_model(_Networks).never
    return AddressRules(tuple(ip_network(row.network) for row in rows), private, loopback)


class Addresses:
    """Looks names up and judges where they lead.

    Parameters: `rules` to judge by; `lookup`, the system's own unless a test brings another.
    """

    def __init__(self, rules: AddressRules, lookup: Lookup = socket.getaddrinfo) -> None:
        self._rules = rules
        self._lookup = lookup
        self._known: dict[tuple[str, int], tuple[float, tuple[str, ...]]] = {}
        self._locks: dict[tuple[str, int], Lock] = {}

    def of(self, host: str, port: int, until: float) -> tuple[str, ...]:
        """The addresses of a server, all of them judged.

        A look-up cannot be cut short, so that one call at a time waits for it, and the others no longer than `until`
        (of the clock that only goes forward). Raises AddressRefusedError.
        """
        name = (host, port)
        lock = self._locks.setdefault(name, Lock())
        if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise AddressRefusedError("the name was not found in time")
        try:
            since, known = self._known.get(name, (0.0, ()))
            if known and time.monotonic() - since < KEPT:
                return known
            found = self._judged(host, port)
            self._known[name] = (time.monotonic(), found)
            return found
        finally:
            lock.release()

    def _judged(self, host: str, port: int) -> tuple[str, ...]:
        try:
            rows = self._lookup(host.strip("[]"), port, type=socket.SOCK_STREAM)
            found = tuple(dict.fromkeys(str(row[4][0]) for row in rows))
            # One bad address among good ones is no accident: the whole name is refused.
            if found and all(self._rules.allow(ip_address(one), host.strip("[]")) for one in found):
                return found
        except (OSError, UnicodeError, ValueError):
            found = ()
        if found:
            _LOG.warning("the name of a server leads to an address that must not be called")
        raise AddressRefusedError("the name leads nowhere that may be called")


def _meant(address: Address) -> Sequence[Address]:
    """The addresses that are called in the end: an IPv6 address may be an IPv4 address in disguise, or carry some."""
    if not isinstance(address, IPv6Address):
        return (address,)
    if address.ipv4_mapped or address in _NAT64:
        return (IPv4Address(int(address) & _LAST_FOUR),)
    return tuple(one for one in (address, address.sixtofour, *(address.teredo or ())) if one is not None)
