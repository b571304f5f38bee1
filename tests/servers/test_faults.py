"""Things break while EHRs call: no error but an honest 503 is answered, nothing told is lost, and all comes back."""

import json
import os
import re
import resource
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.exchange.signers import BASE, EC_KEY, ISSUER, OTHER_EC_KEY, KeyServer, claims, key_set, public, signed
from tests.fhir_server import FhirServer, hang
from tests.running import LONG, Running, free_port, running
from tests.under_load import load

Json = dict[str, Any]
ENOUGH = 40
"""Calls after which a state is taken to be the rule and not luck."""


def workers(instance: Running) -> list[int]:
    return [int(found[1]) for line in instance.lines if (found := re.search(r"with PID: (\d+)", str(line)))]


def kept(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "telecode.db")) as database:
        return {card for (card,) in database.execute("SELECT card FROM feedback")}


def test_a_fhir_server_that_hangs_holds_up_nobody_who_brings_everything(
    tmp_path: Path, good: Json, fhir: FhirServer
) -> None:
    fhir.answer = lambda _: hang
    lacking = {**good, "fhirServer": fhir.base, "prefetch": {**good["prefetch"]}}
    del lacking["prefetch"]["observations"]
    bodies = [json.dumps(good).encode(), json.dumps(lacking).encode()]
    with running(tmp_path, fhir_allow=fhir.base, fhir_deadline="0.2") as instance:
        with load(instance.port, bodies) as heard:
            heard.more(hooks=2 * ENOUGH, feedback=ENOUGH // 4)
        left_alone = [line for line in instance.lines if "left alone" in line.get("message", "")]
    assert set(heard.hooks) == set(heard.feedback) == {200}
    assert heard.broken == 0
    assert left_alone
    assert heard.acknowledged <= kept(tmp_path)


def test_a_fhir_server_that_is_gone_costs_no_answer(tmp_path: Path, good: Json) -> None:
    gone = f"http://127.0.0.1:{free_port()}/fhir"
    lacking = {**good, "fhirServer": gone, "prefetch": {"encounter": good["prefetch"]["encounter"]}}
    bodies = [json.dumps(good).encode(), json.dumps(lacking).encode()]
    with running(tmp_path, fhir_allow=gone) as instance, load(instance.port, bodies) as heard:
        heard.more(hooks=2 * ENOUGH)
    assert set(heard.hooks) == set(heard.feedback) == {200}
    assert heard.broken == 0


def test_while_the_database_is_held_hooks_are_answered_and_feedback_is_refused_honestly(
    tmp_path: Path, good: Json
) -> None:
    with running(tmp_path) as instance, load(instance.port, [json.dumps(good).encode()], callers=2) as heard:
        heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
        with closing(sqlite3.connect(tmp_path / "telecode.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            heard.until(lambda one: one.feedback[503] >= 1)
            other.execute("ROLLBACK")
        heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
    assert set(heard.hooks) == {200}
    assert set(heard.feedback) == {200, 503}
    assert heard.broken == 0
    assert heard.acknowledged <= kept(tmp_path)


@contextmanager
def full_disk(pids: list[int], folder: Path) -> Iterator[None]:
    """Let no file of these processes grow beyond what the log of the database already is."""
    most = (folder / "telecode.db-wal").stat().st_size
    before = [resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids]
    for pid, (_, hard) in zip(pids, before, strict=True):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        for pid, limits in zip(pids, before, strict=True):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def test_on_a_full_disk_hooks_are_answered_and_feedback_is_refused_honestly(tmp_path: Path, good: Json) -> None:
    with running(tmp_path) as instance, load(instance.port, [json.dumps(good).encode()], callers=2) as heard:
        heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
        with full_disk(workers(instance), tmp_path):
            heard.until(lambda one: one.feedback[503] >= ENOUGH // 4)
            heard.more(hooks=ENOUGH)
        heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
    assert set(heard.hooks) == {200}
    assert set(heard.feedback) == {200, 503}
    assert heard.broken == 0
    assert heard.acknowledged <= kept(tmp_path)


class Trusting(NamedTuple):
    server: KeyServer
    settings: dict[str, Any]


@pytest.fixture
def trusting(tmp_path: Path) -> Iterator[Trusting]:
    """A key server that runs, and the settings of a service that believes it."""
    server = KeyServer()
    server.body = key_set(public(EC_KEY, "ec"))
    with server.running() as url:
        file = tmp_path / "issuers.yaml"
        file.write_text(f'issuers:\n  "{ISSUER}":\n    jwks_url: "{url}"\n', encoding="utf-8")
        yield Trusting(server, {"auth": "required", "trust": str(file), "public_url": BASE})


@contextmanager
def deleted(folder: Path) -> Iterator[None]:
    """Without the files of the database, and then with a backup of it in their place."""
    backup = folder / "backup"
    with closing(sqlite3.connect(folder / "telecode.db")) as current, closing(sqlite3.connect(backup)) as copy:
        current.backup(copy)
    for file in folder.glob("telecode.db*"):
        file.unlink()
    yield
    backup.rename(folder / "telecode.db")


def test_while_the_database_is_deleted_signed_calls_are_put_off_and_all_comes_back_with_a_backup(
    tmp_path: Path, good: Json, trusting: Trusting
) -> None:
    def ready(port: int) -> int:
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=LONG).status_code

    with running(tmp_path, **trusting.settings) as instance:
        token = {"token": lambda path: signed(claims(path))}
        with load(instance.port, [json.dumps(good).encode()], callers=2, **token) as heard:
            heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
            assert ready(instance.port) == 200
            with deleted(tmp_path):
                heard.until(lambda one: one.hooks[503] >= ENOUGH and one.feedback[503] >= ENOUGH // 4)
                before = heard.acknowledged.copy()
                assert ready(instance.port) == 503
            heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
            assert ready(instance.port) == 200
    assert set(heard.hooks) == set(heard.feedback) == {200, 503}
    assert heard.broken == 0
    # What was acknowledged between the backup and the deletion went with the files; nothing was until the backup came.
    assert heard.acknowledged - before <= kept(tmp_path)


def test_a_worker_that_is_killed_takes_with_it_what_it_was_at_and_nothing_acknowledged(
    tmp_path: Path, good: Json
) -> None:
    with running(tmp_path) as instance:
        with load(instance.port, [json.dumps(good).encode()]) as heard:
            heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
            # Each of them once: of one that dies again at its start the server makes an end, for its keeper to see.
            for number, pid in enumerate(workers(instance)):
                os.kill(pid, signal.SIGKILL)
                instance.started(3 + number)
                heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
        assert instance.stop() == 0
    assert set(heard.hooks) == set(heard.feedback) == {200}
    # What the dying worker had taken in is lost, and a caller may try it twice; all the others are answered.
    assert heard.broken < heard.hooks[200] / 2
    assert heard.acknowledged <= kept(tmp_path)


def test_keys_that_are_changed_under_load_are_learned_without_a_hand(
    tmp_path: Path, good: Json, trusting: Trusting
) -> None:
    server = trusting.server
    key, kid = [EC_KEY], ["ec"]

    def token(path: str) -> str:
        return signed(claims(path), key[0], kid=kid[0])

    with running(tmp_path, **trusting.settings) as instance:
        with load(instance.port, [json.dumps(good).encode()], callers=2, token=token) as heard:
            heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
            server.body = key_set(public(EC_KEY, "ec"), public(OTHER_EC_KEY, "next"))
            key[0], kid[0] = OTHER_EC_KEY, "next"
            heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
        asked = server.asked
    assert set(heard.hooks) | set(heard.feedback) <= {200, 401}
    assert heard.broken == 0
    assert asked <= 8  # each worker asks at its start, and once more in a while for a key that it does not know
    assert heard.acknowledged <= kept(tmp_path)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_an_ehr_whose_clock_is_ten_minutes_off_is_refused_and_no_other(
    tmp_path: Path, good: Json, trusting: Trusting, minutes: int
) -> None:
    off = [0]

    def token(path: str) -> str:
        said = claims(path)
        return signed(said | {"iat": said["iat"] + off[0], "exp": said["iat"] + off[0] + 300})

    bodies = [json.dumps(good).encode()]
    with running(tmp_path, **trusting.settings) as one, load(one.port, bodies, callers=2, token=token) as heard:
        heard.more(hooks=ENOUGH)
        off[0] = minutes * 60
        heard.until(lambda one: one.hooks[401] >= ENOUGH)
        off[0] = 0
        heard.more(hooks=ENOUGH, feedback=ENOUGH // 4)
    assert set(heard.hooks) == {200, 401}
    assert set(heard.feedback) <= {200, 401}
    assert heard.broken == 0
    assert heard.acknowledged <= kept(tmp_path)
