"""The port of the service: who else holds it, and what is wrong with a host or a port, is told in one sentence."""

import errno
import os
import re
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_hooks.cli import main
from cds_hooks.listening import CannotListenError, listen
from tests.running import free_port

EVERYWHERE, EVERYWHERE_6 = "0.0.0.0", "::"  # noqa: S104 - what stands in each other's way is the question


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", EVERYWHERE),
        (EVERYWHERE, "127.0.0.1"),
        (EVERYWHERE, EVERYWHERE),
        ("localhost", "127.0.0.1"),
        ("127.0.0.1", "localhost"),
        ("::1", "::1"),
        ("::1", EVERYWHERE_6),
        (EVERYWHERE_6, "::1"),
        (EVERYWHERE_6, EVERYWHERE),
        (EVERYWHERE, EVERYWHERE_6),
        (EVERYWHERE_6, "127.0.0.1"),
    ],
)
def test_a_port_is_had_by_one_program_alone(first: str, second: str) -> None:
    port = free_port()
    with listen(first, port), pytest.raises(CannotListenError, match=f"port {port} of {second} is taken"):
        listen(second, port)


def test_a_port_is_refused_to_who_would_share_it_too() -> None:
    port = free_port()
    with listen("127.0.0.1", port), socket.socket() as sharer:
        sharer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            sharer.bind(("127.0.0.1", port))


def test_a_port_that_others_share_among_themselves_is_taken() -> None:
    with socket.socket() as sharer:
        sharer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sharer.bind(("127.0.0.1", 0))
        sharer.listen()
        with pytest.raises(CannotListenError, match="is taken"):
            listen("127.0.0.1", sharer.getsockname()[1])


def test_one_port_of_two_addresses_is_two_ports() -> None:
    port = free_port()
    with listen("127.0.0.1", port), listen("127.0.0.2", port), listen("::1", port):
        pass


def test_a_port_can_be_taken_again_while_its_last_connections_fade() -> None:
    port = free_port()
    with listen("127.0.0.1", port) as listener:
        listener.setblocking(True)
        with socket.create_connection(("127.0.0.1", port)) as caller:
            taken, _ = listener.accept()
            taken.close()  # who closes first keeps the connection in TIME_WAIT
            assert caller.recv(1) == b""
    with listen("127.0.0.1", port):
        pass


def test_localhost_is_this_machine_whatever_a_name_server_says(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **named: real(host if host != "localhost" else EVERYWHERE, *rest, **named),
    )
    with listen("localhost", free_port()) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("127.0.0.1", 0, "there is no port 0: give one from 1 to 65535"),
        ("127.0.0.1", -1, "there is no port -1"),
        ("127.0.0.1", 65_536, "there is no port 65536"),
        ("192.0.2.1", 8000, "192.0.2.1 is no address of this machine"),
        ("2001:db8::1", 8000, "2001:db8::1 is no address of this machine"),
        ("no-such-host.invalid", 8000, "no address is known for the host 'no-such-host.invalid'"),
        ("", 8000, "no address is known for the host ''"),
        ("http://127.0.0.1", 8000, "no address is known for the host 'http://127.0.0.1'"),
        ("127.0.0.1:8000", 8000, "no address is known for the host '127.0.0.1:8000'"),
        (f"{'a' * 64}.example", 8000, "no address is known"),
        ("a..example", 8000, "no address is known"),
    ],
)
def test_a_host_or_port_that_is_none_is_told_with_what_to_change(host: str, port: int, why: str) -> None:
    with pytest.raises(CannotListenError, match=re.escape(why)) as refused:
        listen(host, port)
    assert re.search(r"give .* by --(host|port)", str(refused.value))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("port", "why"), [(80, "give a --port from 1024 up"), (1024, "Permission denied")])
def test_a_port_that_needs_rights_is_told(monkeypatch: pytest.MonkeyPatch, port: int, why: str) -> None:
    class Barred(socket.socket):
        def bind(self, _: object) -> None:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket, "socket", Barred)
    with pytest.raises(CannotListenError, match=why):
        listen("127.0.0.1", port)


def test_serving_without_a_folder_for_its_numbers_ends_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("TELECODE_HOST", "")
    refused = CliRunner().invoke(main, ["serve", "--port", str(free_port())])
    assert refused.exit_code == 2
    assert refused.stderr == "error: PROMETHEUS_MULTIPROC_DIR names no folder that can be written: File exists\n"


def test_serving_on_a_port_that_is_taken_ends_in_one_line_and_wipes_no_numbers(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    numbers = tmp_path_factory.mktemp("numbers")
    (numbers / "counter_1.db").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(numbers))
    monkeypatch.setenv("TELECODE_HOST", "")  # so that what `serve` sets is taken back after the test
    with listen("127.0.0.1", free_port()) as listener:
        port = listener.getsockname()[1]
        refused = CliRunner().invoke(main, ["serve", "--port", str(port)])
    assert refused.exit_code == 2
    assert refused.stderr == (
        f"error: port {port} of 127.0.0.1 is taken by another program, perhaps another telecode: stop it, or give "
        "another --port\n"
    )
    assert (numbers / "counter_1.db").exists()
