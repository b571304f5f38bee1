"""A real browser before a real service: every window's console is listened to, and must stay silent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.running import Running, free_port, running

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20
"""Seconds after which something that does not appear is given up; nothing here is timed."""
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
Scheme = Literal["light", "dark"]
REFUSED = "Failed to load resource"
"""How Chromium tells in its console of an answer that is no success: not a fault of the page."""


@dataclass
class Window:
    """A page of the browser, the address of the service, and what its console said."""

    page: Page
    url: str
    said: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.url + path)
        return self.page

    def hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(REFUSED):
            self.said.append(message.text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("chromium is missing: install it (Debian: apt-get install chromium)")
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A developer's service with its page, and an address for links."""
    port = free_port()
    folder = tmp_path_factory.mktemp("workbench")
    settings = {"environment": "development", "public_url": f"http://127.0.0.1:{port}"}
    with running(folder, workers=1, port=port, **settings) as started:
        yield started


Open = Callable[..., Window]


@pytest.fixture
def window(browser: Browser, service: Running) -> Iterator[Open]:
    """Opens a window on the service, or on the one at `url`; its console must be silent in the end."""
    with ExitStack() as stack:
        opened: list[Window] = []

        def make(size: str = "desktop", scheme: Scheme = "light", url: str = "", **options: Any) -> Window:
            width, height = SIZES[size]
            options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, **options}
            context = browser.new_context(**options)
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE * 1000)
            found = Window(context.new_page(), url or service.url)
            found.page.on("console", found.hear)
            found.page.on("pageerror", lambda error: found.said.append(str(error)))
            opened.append(found)
            return found

        yield make
        assert [one.said for one in opened if one.said] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, which judges whether a page can be used by everybody."""
    path = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        pytest.fail("axe-core is missing: `make servers` installs it")
    return path.read_text(encoding="utf-8")
