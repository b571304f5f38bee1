"""What most tests start from: the policy book, an app over the shipped tables, and a good hook request."""

import copy
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from cds_hooks.app import create_app
from cds_hooks.coding.loading import load_book
from cds_hooks.coding.policy import PolicyBook
from cds_hooks.settings import Settings
from fhir_mapping import unreadable
from fhir_mapping.tables import config_folder
from tests.fhir_server import FhirServer

# Every app of the tests remembers in one database of its own, never in the folder the tests are run from.
STORE = TemporaryDirectory(prefix="telecode-")
os.environ["TELECODE_DATABASE_URL"] = f"sqlite:///{STORE.name}/telecode.db"
os.environ["TELECODE_ENVIRONMENT"] = "development"

# No example is judged by the clock, and in CI every run tries the same ones.
hypothesis.settings.register_profile("telecode", deadline=None, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("telecode")

FAULT = unreadable.Fault
REQUESTS = Path(__file__).parent / "requests"
Request = dict[str, Any]


@pytest.fixture(scope="session", autouse=True)
def no_fault_is_hidden() -> Iterator[None]:
    """A fault that would cost one resource in service fails the test, unless it is one of the test's own making."""

    def reveal(kind: str, error: str, at: str) -> None:
        pytest.fail(f"{error} at {at}, while a {kind} was read")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unreadable, "Fault", reveal)
        yield


@pytest.fixture
def fenced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults cost one resource, as they do in service."""
    monkeypatch.setattr(unreadable, "Fault", FAULT)


@pytest.fixture(scope="session")
def book() -> PolicyBook:
    return load_book(config_folder())


@pytest.fixture(scope="session")
def shared_app() -> Flask:
    return create_app(Settings())


@pytest.fixture
def client(shared_app: Flask) -> FlaskClient:
    return shared_app.test_client()


@pytest.fixture
def app_with(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FlaskClient]:
    """A client of an app with some settings of its own, given as the environment would give them."""

    def make(**settings: str) -> FlaskClient:
        for name, value in settings.items():
            monkeypatch.setenv(f"TELECODE_{name.upper()}", value)
        return create_app(Settings()).test_client()

    return make


_GOOD: Request = json.loads((REQUESTS / "video_visit.json").read_text(encoding="utf-8"))


@pytest.fixture
def good() -> Request:
    """A Medicare patient at home, seen by video for 34 minutes with moderate MDM: 99214."""
    return copy.deepcopy(_GOOD)


@pytest.fixture
def fhir() -> Iterator[FhirServer]:
    """The FHIR server that may be called."""
    server = FhirServer()
    yield server
    server.close()


@pytest.fixture
def trap() -> Iterator[FhirServer]:
    """A server beside it that nothing may ever reach."""
    server = FhirServer()
    yield server
    server.close()
