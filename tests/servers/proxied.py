"""Two instances of telecode behind a real nginx, by the file that operators are given."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from tests.certificates import certificate
from tests.running import Running, free_port, running

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
AROUND = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/telecode.conf;
}}
"""


@dataclass(frozen=True)
class Proxied:
    """An nginx and what stands behind it; `session` trusts its certificate, and waits until it listens."""

    url: str
    session: requests.Session
    folder: Path


@dataclass(frozen=True)
class Pair(Proxied):
    """Two instances behind one address."""

    instances: list[Running]


@contextmanager
def nginx(ports: tuple[int, int]) -> Iterator[Proxied]:
    """Put nginx, as `deploy/nginx.conf` has it, before two ports."""
    binary = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")
    if binary is None:
        pytest.fail("nginx is missing: install it (Debian: apt-get install nginx)")
    folder, port = Path(mkdtemp(prefix="telecode-nginx-")), free_port()
    certificate(folder, "127.0.0.1")
    conf = CONF.read_text(encoding="utf-8")
    for there, here in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen 443 ssl default_server;", f"listen 127.0.0.1:{port} ssl default_server;"),
        ("telecode.example.org", "127.0.0.1"),
        ("127.0.0.1:8001", f"127.0.0.1:{ports[0]}"),
        ("127.0.0.1:8002", f"127.0.0.1:{ports[1]}"),
        ("/etc/telecode/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
    ):
        assert there in conf
        conf = conf.replace(there, here)
    (folder / "telecode.conf").write_text(conf, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user), encoding="utf-8")
    process = subprocess.Popen([binary, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"])  # noqa: S603 - our own command
    session = requests.Session()
    session.trust_env = False
    session.verify = str(folder / "tls.crt")
    session.mount(
        "https://", HTTPAdapter(pool_maxsize=32, max_retries=Retry(None, connect=80, backoff_factor=0.01, read=0))
    )
    try:
        yield Proxied(f"https://127.0.0.1:{port}", session, folder)
    finally:
        session.close()
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


@contextmanager
def pair(folder: Path, **settings: str) -> Iterator[Pair]:
    """Two instances with the same settings and, unless they name another, one SQLite database in `folder`."""
    with ExitStack() as stack:
        instances = [stack.enter_context(running(folder, workers=1, port=None, **settings)) for _ in range(2)]
        proxy = stack.enter_context(nginx((instances[0].port, instances[1].port)))
        yield Pair(proxy.url, proxy.session, proxy.folder, instances)


def directives(name: str) -> list[str]:
    """The values of one directive in the file that operators are given."""
    return re.findall(rf"^\s*{name}\s+([^;]+);", CONF.read_text(encoding="utf-8"), re.MULTILINE)
