"""Keys that come, go, drip and hang: known ones stay good, new ones are fetched once, nobody waits for long."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cds_hooks.exchange import keys
from cds_hooks.exchange.issuers import Issuer
from cds_hooks.exchange.key_set import Exposed, NamedKey
from cds_hooks.exchange.keys import COOL_DOWN, LARGEST, STALE, KeyRing
from tests.certificates import certificate
from tests.exchange.signers import EC_KEY, OTHER_EC_KEY, Clock, KeyServer, key_set, public

OLD, NEW = public(EC_KEY, "old"), public(OTHER_EC_KEY, "new")


@pytest.fixture
def server() -> KeyServer:
    found = KeyServer()
    found.body = key_set(OLD)
    return found


def ring(url: str, clock: Clock | None = None) -> KeyRing:
    return KeyRing(Issuer(jwks_url=url), Exposed(), clock or Clock(0))


def test_a_key_that_is_new_is_fetched_once_and_the_cool_down_holds(server: KeyServer) -> None:
    clock = Clock(0)
    with server.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        assert held.key("old", "ES384")
        assert server.asked == 1
        server.body = key_set(OLD, NEW)
        clock.at = COOL_DOWN - 0.1
        assert held.key("new", "ES384") is None
        assert server.asked == 1
        clock.at = COOL_DOWN
        assert held.key("new", "ES384")
        for number in range(20):
            assert held.key(f"unknown-{number}", "ES384") is None
        assert held.key("old", "RS384") is None
        assert server.asked == 2


def test_of_many_calls_that_name_a_new_key_at_once_one_fetches_it_and_all_get_it(server: KeyServer) -> None:
    server.release = threading.Event()
    with server.running() as url:
        held = ring(url)
        found: list[bool] = []
        calls = [threading.Thread(target=lambda: found.append(held.key("old", "ES384") is not None)) for _ in range(16)]
        for call in calls:
            call.start()
        server.release.set()
        for call in calls:
            call.join()
    assert found == [True] * 16
    assert server.asked == 1


@pytest.mark.parametrize("status", [500, 503, 404, 301, 302, 303, 307, 308])
def test_keys_that_cannot_be_had_again_stay_good_and_redirects_are_not_followed(server: KeyServer, status: int) -> None:
    elsewhere, clock = KeyServer(), Clock(0)
    with server.running() as url, elsewhere.running() as other:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        server.status, server.location, server.body = status, other, key_set(NEW)
        clock.at = STALE + 1
        assert held.key("old", "ES384")
        assert held.key("new", "ES384") is None
        assert (server.asked, elsewhere.asked) == (2, 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b'{"keys": 3}', b'{"keys": "[]"}', b'{"keys": [{'])
def test_what_is_no_key_set_takes_no_key_away(server: KeyServer, body: bytes) -> None:
    clock = Clock(0)
    with server.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        server.body = body
        clock.at = STALE + 1
        assert held.key("old", "ES384")


@pytest.mark.parametrize(("size", "taken"), [(LARGEST - 1, True), (LARGEST, True), (LARGEST + 1, False)])
def test_a_key_set_is_taken_up_to_its_largest_size(server: KeyServer, size: int, *, taken: bool) -> None:
    server.body = key_set(OLD).ljust(size)
    with server.running() as url:
        assert (ring(url).key("old", "ES384") is not None) is taken


def test_a_key_its_owner_withdrew_is_believed_no_longer_once_the_keys_are_stale(server: KeyServer) -> None:
    clock = Clock(0)
    with server.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        server.body = key_set(NEW)
        clock.at = STALE
        assert held.key("old", "ES384")
        clock.at = STALE + 1
        assert held.key("old", "ES384") is None


def test_keys_that_could_not_be_had_at_first_are_had_after_the_cool_down(server: KeyServer) -> None:
    clock = Clock(0)
    server.status = 503
    with server.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384") is None
        server.status = 200
        assert held.key("old", "ES384") is None
        clock.at = COOL_DOWN
        assert held.key("old", "ES384")


def test_a_file_of_keys_is_read_anew_when_a_token_names_a_new_key(tmp_path: Path) -> None:
    file, clock = tmp_path / "keys.json", Clock(0)
    file.write_bytes(key_set(OLD))
    held = KeyRing(Issuer(jwks_file=str(file)), Exposed(), clock)
    assert held.key("old", "ES384")
    file.write_bytes(key_set(NEW))
    clock.at = COOL_DOWN
    assert held.key("new", "ES384")
    file.unlink()
    clock.at = COOL_DOWN + STALE + 1
    assert held.key("new", "ES384")


def test_a_key_that_everybody_can_sign_with_is_not_taken_from_anywhere(server: KeyServer) -> None:
    server.body = key_set(OLD, NEW)
    fingerprint = NamedKey("any", "P-384", None, EC_KEY.public_key()).fingerprint
    with server.running() as url:
        held = KeyRing(Issuer(jwks_url=url), Exposed(frozenset({fingerprint})), Clock(0))
        assert held.key("old", "ES384") is None
        assert held.key("new", "ES384")


def test_proxies_and_passwords_of_the_machine_are_not_used(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login canary password canary\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with server.running() as url, KeyServer().running() as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert ring(url).key("old", "ES384")
    assert "Authorization" not in server.headers
    assert "Cookie" not in server.headers


class SlowServer:
    """Takes calls and answers as slowly as its manner says, until it is let go."""

    def __init__(self, manner: str) -> None:
        self.manner, self.asked, self.let_go = manner, 0, threading.Event()
        self.called = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]

    @contextmanager
    def running(self) -> Iterator[str]:
        self._threads[0].start()
        try:
            yield f"http://127.0.0.1:{self._listener.getsockname()[1]}/jwks.json"
        finally:
            self.let_go.set()
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for thread in self._threads:
                thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.asked += 1
            self._threads.append(threading.Thread(target=self._answer, args=(connection,)))
            self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            self.called.release()
            body = key_set(OLD)
            starts = {
                "answers": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
                "says nothing": b"",
                "drips its headers": b"HTTP/1.1 200 OK\r\nX-Slow: ",
                "drips its body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
            }
            try:
                connection.sendall(starts[self.manner])
                while self.manner != "answers" and not self.let_go.wait(0.01):
                    if self.manner != "says nothing":
                        connection.sendall(b" ")
            except OSError:
                return


SLOW = ["says nothing", "drips its headers", "drips its body"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out, shortened so that the tests need not wait for it."""
    monkeypatch.setattr(keys, "TIME_OUT", 0.2)


def key_fetches() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "key fetch"]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("manner", SLOW)
def test_a_key_server_that_is_slow_holds_no_call_and_one_thread_at_most(manner: str) -> None:
    slow, clock = SlowServer(manner), Clock(0)
    with slow.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384") is None
        assert not slow.let_go.is_set()
        for _ in range(5):
            clock.at += COOL_DOWN
            assert held.key("old", "ES384") is None
            assert len(key_fetches()) <= 1
    for thread in key_fetches():
        thread.join()


@pytest.mark.parametrize("manner", SLOW)
def test_known_keys_stay_good_while_their_server_is_slow(manner: str, request: pytest.FixtureRequest) -> None:
    slow, clock = SlowServer("answers"), Clock(0)
    with slow.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        request.getfixturevalue("hasty")
        slow.manner = manner
        clock.at = STALE + 1
        assert held.key("old", "ES384")
        assert all(slow.called.acquire(timeout=30) for _ in range(2))
        assert not slow.let_go.is_set()
    for thread in key_fetches():
        thread.join()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("manner", SLOW)
def test_a_fetch_from_a_slow_server_is_given_up(manner: str) -> None:
    slow = SlowServer(manner)
    with slow.running() as url:
        assert ring(url).key("old", "ES384") is None
        for thread in key_fetches():
            thread.join(30)
            assert not thread.is_alive()
        assert not slow.let_go.is_set()


def test_a_call_with_a_known_key_does_not_wait_for_one_with_an_unknown_key() -> None:
    slow, clock = SlowServer("answers"), Clock(0)
    with slow.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        slow.called.acquire()
        slow.manner = "says nothing"
        clock.at = COOL_DOWN
        other = threading.Thread(target=held.key, args=("unknown", "ES384"))
        other.start()
        slow.called.acquire()
        assert held.key("old", "ES384")
        assert other.is_alive()
    other.join()


@pytest.mark.parametrize("manner", SLOW)
def test_a_server_that_hung_before_costs_one_call_its_patience_and_no_other(
    manner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, clock = SlowServer("answers"), Clock(0)
    with slow.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        slow.called.acquire()
        slow.manner = manner
        clock.at = STALE + 1
        with monkeypatch.context() as hasty:
            hasty.setattr(keys, "TIME_OUT", 0.1)
            assert held.key("old", "ES384")
            slow.called.acquire()
            for thread in key_fetches():
                thread.join()
        monkeypatch.setattr(keys, "TIME_OUT", 60.0)  # whoever waits from here on, waits until the test ends
        clock.at += COOL_DOWN
        one = threading.Thread(target=held.key, args=("unknown", "ES384"))
        one.start()
        slow.called.acquire()
        for number in range(16):
            assert held.key(f"unknown-{number}", "ES384") is None
            assert held.key("old", "ES384")
        assert one.is_alive()
        assert slow.asked == 3
    one.join()


def test_a_known_key_is_not_waited_for_where_the_last_fetch_failed(
    server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(0)
    with server.running() as url:
        held = ring(url, clock)
        assert held.key("old", "ES384")
        server.status = 503
        clock.at = STALE + 1
        assert held.key("old", "ES384")
        server.release = threading.Event()
        monkeypatch.setattr(keys, "TIME_OUT", 60.0)
        clock.at += COOL_DOWN
        assert held.key("old", "ES384")
        assert len(key_fetches()) == 1
    for thread in key_fetches():
        thread.join()


@pytest.mark.parametrize("stale_keys", [3600, 86_400])
def test_keys_that_cannot_be_had_again_are_too_old_after_a_time_that_a_site_sets(
    server: KeyServer, stale_keys: int
) -> None:
    clock = Clock(0)
    with server.running() as url:
        held = KeyRing(Issuer(jwks_url=url, stale_keys=stale_keys), Exposed(), clock)
        assert held.key("old", "ES384")
        server.status = 503
        for moment, too_old in ((stale_keys - 1, False), (stale_keys, False), (stale_keys + 1, True)):
            clock.at = moment
            assert held.key("old", "ES384")
            assert held.is_too_old is too_old
        server.status = 200
        clock.at += COOL_DOWN
        assert held.key("old", "ES384")
        assert not held.is_too_old


def test_keys_are_fetched_from_a_server_whose_certificate_the_sites_own_authority_signed(
    server: KeyServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    public_half, private_half = certificate(tmp_path, "127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(public_half, private_half)
    with server.running(tls) as url:
        private = Issuer(jwks_url=url, jwks_ca=str(public_half))
        assert KeyRing(private, Exposed(), Clock(0)).key("old", "ES384")
        assert KeyRing(Issuer(jwks_url=url), Exposed(), Clock(0), "https://ehr.example").key("old", "ES384") is None
    assert "the keys of https://ehr.example could not be fetched (SSLError): none is known" in caplog.text
    assert server.asked == 1
