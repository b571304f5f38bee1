"""Judges that are nobody's of ours: a FHIR validator and a Markdown reader, both of the Node world."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

NODE = Path(__file__).parent / "node"
LONG = 120
"""Seconds after which a judge is given up."""


def judged(script: str, things: Iterable[object]) -> list[Any]:
    """What a script of `tests/servers/node` says of each thing."""
    node = shutil.which("node")
    assert node, "this test needs Node 20.19 or newer (nodejs.org): the judge is a Node program"
    assert (NODE / "node_modules").is_dir(), "this test needs its judges: `make servers` installs them"
    lines = [json.dumps(thing) for thing in things]
    told = subprocess.run(  # noqa: S603 - our own script
        [node, NODE / script], input="\n".join(lines), capture_output=True, text=True, check=True, timeout=LONG
    )
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(found) == len(lines)
    return found
