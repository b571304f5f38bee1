"""Whatever a name is, the address it leads to decides whether it is called."""

import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest

from cds_hooks.exchange.addresses import Addresses, AddressRefusedError, AddressRules, load_address_rules
from fhir_mapping.tables import config_folder
from tests.exchange.asking import PATIENCE

FAR = 1e8  # a moment that a clock of seconds since the start of the machine never reaches
RULES = load_address_rules(config_folder(), private=False, loopback=False)
PRIVATE = load_address_rules(config_folder(), private=True, loopback=False)
DEVELOPER = load_address_rules(config_folder(), private=False, loopback=True)

ON_THIS_MACHINE = ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]
INSIDE = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1"]
NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:42::42",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "0.0.0.0",  # noqa: S104 - an address to refuse, not one to listen on
    "::",
    "224.0.0.1",
    "ff02::1",
    "240.0.0.1",
    "255.255.255.255",
]
OUTSIDE = ["8.8.8.8", "172.15.255.255", "172.32.0.0", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]


def allowed(rules: AddressRules, address: str, host: str = "fhir.example") -> bool:
    return rules.allow(ip_address(address), host)


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_may_be_called(address: str) -> None:
    assert allowed(RULES, address)


@pytest.mark.parametrize("address", [*ON_THIS_MACHINE, *INSIDE, *NEVER])
def test_no_other_address_is_called(address: str) -> None:
    assert not allowed(RULES, address)


@pytest.mark.parametrize("address", [*ON_THIS_MACHINE, *INSIDE, *OUTSIDE])
def test_private_addresses_are_called_where_a_site_says_so(address: str) -> None:
    assert allowed(PRIVATE, address)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called_whatever_a_site_says(address: str) -> None:
    assert not allowed(PRIVATE, address)
    assert not allowed(DEVELOPER, address, "localhost")


@pytest.mark.parametrize("address", ON_THIS_MACHINE)
def test_a_developers_machine_is_called_by_its_own_name_only(address: str) -> None:
    assert allowed(DEVELOPER, address, "localhost")
    assert not allowed(DEVELOPER, address, "fhir.example")
    assert not allowed(DEVELOPER, "10.0.0.1", "localhost")


def rows(*found: str) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in found]


@pytest.mark.parametrize(
    "found", [[], ["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["no address at all"]]
)
def test_a_name_with_one_bad_address_leads_nowhere(found: list[str]) -> None:
    with pytest.raises(AddressRefusedError):
        Addresses(RULES, lambda *_, **__: rows(*found)).of("fhir.example", 443, FAR)


@pytest.mark.parametrize("fault", [socket.gaierror("no such name"), UnicodeError("label too long")])
def test_a_name_that_is_not_found_leads_nowhere(fault: Exception) -> None:
    def lookup(*_: object, **__: object) -> list[tuple[Any, ...]]:
        raise fault

    with pytest.raises(AddressRefusedError):
        Addresses(RULES, lookup).of("fhir.example", 443, FAR)


def test_a_name_is_looked_up_once_and_stays_where_it_was_judged_to_lead() -> None:
    told = iter([rows("8.8.8.8"), rows("127.0.0.1")])
    addresses = Addresses(RULES, lambda *_, **__: next(told))
    assert [addresses.of("fhir.example", 443, FAR) for _ in range(3)] == [("8.8.8.8",)] * 3


def test_while_one_call_waits_for_a_name_the_others_wait_no_longer_than_they_may() -> None:
    looking, found = threading.Event(), threading.Event()

    def lookup(*_: object, **__: object) -> list[tuple[Any, ...]]:
        looking.set()
        found.wait(PATIENCE)
        return rows("8.8.8.8")

    addresses = Addresses(RULES, lookup)
    first = threading.Thread(target=addresses.of, args=("fhir.example", 443, FAR))
    first.start()
    assert looking.wait(PATIENCE)
    with pytest.raises(AddressRefusedError, match="in time"):
        addresses.of("fhir.example", 443, 0.0)
    found.set()
    first.join()
    assert addresses.of("fhir.example", 443, FAR) == ("8.8.8.8",)
