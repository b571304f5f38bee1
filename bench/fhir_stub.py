"""A FHIR server that knows one chart, and takes its time for every answer as one at some distance does."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

NOTHING = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}


@contextmanager
def stub(chart: Mapping[str, Any], latency: float) -> Iterator[str]:
    """Serve the values of a prefetch until the block ends; yields the base.

    Parameters: `latency` in seconds from request to answer.
    """
    reads = {f"{one['resourceType']}/{one['id']}": one for one in chart.values() if one["resourceType"] != "Bundle"}
    searches = {
        one["entry"][0]["resource"]["resourceType"]: one for one in chart.values() if one["resourceType"] == "Bundle"
    }
    answers = {name: json.dumps(found).encode() for name, found in (reads | searches).items()}
    nothing = json.dumps(NOTHING).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line: socket.socket = writer.get_extra_info("socket")
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode().partition("?")[0].removeprefix("/fhir/")
                await asyncio.sleep(latency)
                body = answers.get(path, nothing)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
                    b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the caller is done, or this server is
        finally:
            writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_let_go())
        loop.close()


async def _let_go() -> None:
    """End the answers to callers who have not hung up."""
    answering = asyncio.all_tasks() - {asyncio.current_task()}
    for task in answering:
        task.cancel()
    await asyncio.gather(*answering, return_exceptions=True)
