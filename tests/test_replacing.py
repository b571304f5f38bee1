"""Workers are given up only for others that can answer; what is broken at a reload is told, with file and line."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from os import environ, kill
from pathlib import Path
from typing import Any

import pytest
import requests

from cds_hooks.listening import CannotListenError, listen
from fhir_mapping.tables import config_folder
from tests.exchange.signers import BASE, EC_KEY, claims, signed
from tests.running import LONG, NOTE_SIGN, Running, running
from tests.web.trusting import trust_file

Json = dict[str, Any]


def worker_pids(instance: Running) -> list[int]:
    return [int(found[1]) for line in instance.lines if (found := re.search(r"with PID: (\d+)", str(line)))]


def told(instance: Running, words: str, times: int = 1) -> None:
    instance.wait_until(lambda lines: sum(words in line.get("message", "") for line in lines) >= times)


def law(instance: Running) -> str:
    fingerprint: str = requests.get(f"{instance.url}/readyz", timeout=LONG).json()["policy"]
    return fingerprint


def private_key(path: Path) -> None:
    keys = json.loads(path.read_text(encoding="utf-8"))
    for key in keys["keys"]:
        key["d"] = "x"
    path.write_text(json.dumps(keys), encoding="utf-8")


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a table that is no YAML": (
        "config/payers/tricare.yaml",
        lambda path: path.write_text("id: [\n"),
        r"tricare\.yaml:2: ",
    ),
    "a table with a slip": (
        "config/payers/self-pay.yaml",
        lambda path: path.write_text(f"{path.read_text()}\nnaem: x\n"),
        r"self-pay\.yaml:\d+: naem",
    ),
    "a table that is missing": ("config/cards.yaml", Path.unlink, r"cards\.yaml:1: cannot be read"),
    "a trust list that is missing": ("trust.yaml", Path.unlink, r"trust\.yaml:1: cannot be read"),
    "a trust list that cannot be read": ("trust.yaml", directory, r"trust\.yaml:1: no issuer stands here"),
    "a key file that is missing": ("keys.json", Path.unlink, r"trust\.yaml:1: there is no such file"),
    "private keys where public ones should be": ("keys.json", private_key, r"trust\.yaml:1: no key .* can verify"),
    "a site's codes that contradict": (
        "site/visits.yaml",
        lambda path: path.write_text(
            'systems:\n  s: {urls: ["https://s.example"]}\n'
            'codes:\n  modality:\n    s: {audio_video: ["1"], audio_only: ["1"]}\n'
        ),
        r"visits\.yaml:5: 1 means both",
    ),
    "a store that is gone": ("telecode.db", directory, r"the store cannot be used"),
}


def test_what_is_broken_at_a_reload_is_told_and_the_old_workers_go_on(tmp_path: Path, good: Json) -> None:
    config, site = shutil.copytree(config_folder(), tmp_path / "config"), tmp_path / "site"
    site.mkdir()
    (site / "visits.yaml").write_text('systems:\n  s: {urls: ["https://s.example"]}\n', encoding="utf-8")
    settings: dict[str, Any] = {
        "environment": "production",
        "auth": "required",
        "trust": str(trust_file(tmp_path)),
        "public_url": BASE,
        "config": str(config),
        "site_vocabulary": str(site),
    }

    def status() -> int:
        headers = {"Authorization": f"Bearer {signed(claims(NOTE_SIGN), EC_KEY)}"}
        return requests.post(instance.url + NOTE_SIGN, json=good, headers=headers, timeout=LONG).status_code

    with running(tmp_path, **settings) as instance:
        begun = law(instance)
        for number, (file, damage, why) in enumerate(DAMAGES.values(), start=1):
            path = tmp_path / file
            kept = path.read_bytes()
            damage(path)
            instance.tell(signal.SIGHUP)
            told(instance, "nothing is reloaded: worker-1 goes on", number)
            said = [line["message"] for line in instance.lines if "a worker cannot start" in line.get("message", "")]
            assert re.search(why, said[-1]), (file, said)
            if path.is_dir():
                path.rmdir()
            path.write_bytes(kept)
            assert status() == 200
            assert law(instance) == begun
        table = config / "payers" / "self-pay.yaml"
        table.write_text(f"{table.read_text(encoding='utf-8')}# A word that changes no rule.\n", encoding="utf-8")
        instance.tell(signal.SIGHUP)
        told(instance, "Stopped old worker", 2)
        assert status() == 200
        assert law(instance) != begun
        assert instance.stop() == 0


def test_a_worker_that_cannot_be_replaced_is_missed_by_nobody_while_another_is_left(tmp_path: Path, good: Json) -> None:
    config = shutil.copytree(config_folder(), tmp_path / "config")
    with running(tmp_path, config=str(config)) as instance:
        first, second = worker_pids(instance)
        (config / "cards.yaml").unlink()
        kill(first, signal.SIGKILL)
        told(instance, "worker-1 ended by SIGKILL")
        told(instance, "cards.yaml:1: cannot be read")
        told(instance, "worker-1 is missing")
        assert requests.post(instance.url + NOTE_SIGN, json=good, timeout=LONG).status_code == 200
        kill(second, signal.SIGKILL)
        told(instance, "no worker is left")
        assert instance.ended() == 1
        assert sum("cards.yaml:1: cannot be read" in line.get("message", "") for line in instance.lines) == 2


def test_while_its_only_worker_is_replaced_the_port_stays_its_own(tmp_path: Path, good: Json) -> None:
    with running(tmp_path, workers=1, host="localhost") as instance:
        (only,) = worker_pids(instance)
        kill(only, signal.SIGKILL)
        with pytest.raises(CannotListenError, match="is taken"):
            listen("127.0.0.1", instance.port)
        # Who calls now waits for the worker that comes, and is not refused.
        assert requests.post(instance.url + NOTE_SIGN, json=good, timeout=LONG).status_code == 200
        another = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-m", "cds_hooks.cli", "serve", "--port", str(instance.port)],
            env=environ | {"TELECODE_DATABASE_URL": f"sqlite:///{tmp_path}/another.db"},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert another.returncode == 2
        assert another.stderr.count("\n") == 1
        assert f"port {instance.port} of 127.0.0.1 is taken" in another.stderr
        assert requests.post(instance.url + NOTE_SIGN, json=good, timeout=LONG).status_code == 200
        port = instance.port
    with running(tmp_path, workers=1, port=port) as again:  # at once, while the last connections fade
        assert requests.post(again.url + NOTE_SIGN, json=good, timeout=LONG).status_code == 200
