"""EHRs that do not stop calling while things break: hooks and feedback, each on a connection of its own."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.running import LONG, NOTE_SIGN

Json = dict[str, Any]
AT = "2026-11-20T20:30:00Z"


@dataclass
class Heard:
    """What was answered: how often each status, what feedback was acknowledged, how many calls broke off."""

    hooks: Counter[int] = field(default_factory=Counter)
    feedback: Counter[int] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    broken: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def count(self, statuses: Counter[int], status: int) -> None:
        """Count an answer, or a call that broke off before there was one (0)."""
        if status:
            statuses[status] += 1
        else:
            self.broken += 1

    def more(self, hooks: int = 0, feedback: int = 0) -> None:
        """Wait until so many more hooks and feedback were answered 200."""
        with self.changed:
            until = self.hooks[200] + hooks, self.feedback[200] + feedback
            enough = self.changed.wait_for(lambda: self.hooks[200] >= until[0] and self.feedback[200] >= until[1], LONG)
            assert enough, (self.hooks, self.feedback, self.broken)

    def until(self, met: Callable[[Heard], bool]) -> None:
        """Wait until what was heard fulfils a condition."""
        with self.changed:
            assert self.changed.wait_for(lambda: met(self), LONG), (self.hooks, self.feedback, self.broken)


Token = Callable[[str], str | None]


@contextmanager
def load(port: int, hooks: list[bytes], *, callers: int = 4, token: Token = lambda _: None) -> Iterator[Heard]:
    """Call until the block ends: `callers` send each of `hooks` in turn, and one tells feedback.

    Parameters: `token` makes one for a path, where tokens are asked for.
    """
    heard, over = Heard(), threading.Event()

    def keep_asking(first: int) -> None:
        turn = first
        while not over.is_set():
            status = _post(port, NOTE_SIGN, hooks[turn % len(hooks)], token)
            turn += 1
            with heard.changed:
                heard.count(heard.hooks, status)
                heard.changed.notify_all()

    def keep_telling() -> None:
        while not over.is_set():
            card, path = str(uuid4()), f"{NOTE_SIGN}/feedback"
            told = {"feedback": [{"card": card, "outcome": "overridden", "outcomeTimestamp": AT}]}
            status = _post(port, path, json.dumps(told).encode(), token)
            with heard.changed:
                heard.count(heard.feedback, status)
                if status == 200:
                    heard.acknowledged.add(card)
                heard.changed.notify_all()

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(callers)]
    threads.append(threading.Thread(target=keep_telling))
    for thread in threads:
        thread.start()
    try:
        yield heard
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _post(port: int, path: str, body: bytes, token: Token) -> int:
    """The status of the answer, or 0 if the connection broke before there was one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LONG)
    headers = {"Content-Type": "application/json"}
    if made := token(path):
        headers["Authorization"] = f"Bearer {made}"
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
    except (ConnectionError, http.client.HTTPException):
        return 0
    else:
        return answer.status
    finally:
        connection.close()
