"""The numbers an operator watches, counted where things happen; no label ever comes from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter, Histogram
    from prometheus_client.metrics_core import Metric

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the folder in which the workers of one service add up their numbers."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the latency buckets; an EHR expects its answer within half a second."""
FHIR_RESULTS = frozenset(
    {
        "ok",
        "deleted",
        "exception",
        "forbidden",
        "login",
        "not-found",
        "structure",
        "throttled",
        "timeout",
        "too-costly",
        "transient",
    }
)
"""How a FHIR call may end, in the words of FHIR's issue types."""
OTHER = "other"
FHIR_CALLS: ContextVar[int] = ContextVar("fhir_calls", default=0)
"""FHIR calls of the request that this thread answers."""


@dataclass(frozen=True)
class Meters:
    """Every counter, in one registry of its own: what other libraries count is not shown."""

    registry: CollectorRegistry
    requests: Counter
    seconds: Histogram
    outcomes: Counter
    withheld: Counter
    fhir_calls: Counter
    unreadable: Counter
    feedback: Counter
    unchecked: Counter


@cache
def meters() -> Meters:
    """The counters of this process.

    They are made at their first use, because Prometheus' library settles when it is imported whether numbers are
    shared between processes, and `telecode serve` has to name the folder before that.
    """
    from prometheus_client import (  # noqa: PLC0415 - see above
        CollectorRegistry,
        Counter,
        Histogram,
        disable_created_metrics,
    )

    disable_created_metrics()  # type: ignore[no-untyped-call] # it carries no hints; shared numbers have none either
    registry = CollectorRegistry()
    return Meters(
        registry=registry,
        requests=Counter(
            "telecode_requests", "Requests answered.", ("endpoint", "method", "status"), registry=registry
        ),
        seconds=Histogram(
            "telecode_request_seconds",
            "Seconds from request to answer.",
            ("endpoint",),
            registry=registry,
            buckets=SECONDS,
        ),
        outcomes=Counter("telecode_outcomes", "Hooks answered, by outcome.", ("service", "outcome"), registry=registry),
        withheld=Counter(
            "telecode_cards_withheld",
            "Cards that broke a rule of CDS Hooks and were not sent.",
            ("service", "rule"),
            registry=registry,
        ),
        fhir_calls=Counter("telecode_fhir_calls", "Calls to FHIR servers, by result.", ("result",), registry=registry),
        unreadable=Counter(
            "telecode_unreadable", "Notes and resources that could not be read, by kind.", ("kind",), registry=registry
        ),
        feedback=Counter(
            "telecode_feedback",
            "Feedback events heard; unknown are those that accept no suggestion that the card had.",
            ("service", "outcome"),
            registry=registry,
        ),
        unchecked=Counter(
            "telecode_unchecked_tokens",
            "Calls answered without knowing whether their token was used before.",
            registry=registry,
        ),
    )


def answered(endpoint: str, method: str, status: int, seconds: float) -> None:
    """Count a request. `endpoint` is the name of the door, never the path."""
    meters().requests.labels(endpoint, method, str(status)).inc()
    meters().seconds.labels(endpoint).observe(seconds)


def decided(service: str, outcome: str) -> None:
    """Count how a hook was answered: a service id of ours, and the kind of outcome."""
    meters().outcomes.labels(service, outcome).inc()


def withheld(rule: str, service: str) -> None:
    """Count a card that was not sent because it broke `rule`, a name of ours."""
    meters().withheld.labels(service, rule).inc()


def fhir_called(result: str) -> None:
    """Count a call to a FHIR server, for all time and for the request at hand; an unknown result is `other`."""
    FHIR_CALLS.set(FHIR_CALLS.get() + 1)
    meters().fhir_calls.labels(result if result in FHIR_RESULTS else OTHER).inc()


def unreadable(kind: str) -> None:
    """Count a note or a resource that could not be read for a reason nobody foresaw; `kind` is a name of ours."""
    meters().unreadable.labels(kind).inc()


def heard(service: str, outcome: str, events: int = 1) -> None:
    """Count feedback events; `outcome` is `accepted`, `overridden`, or `unknown`: no suggestion that the card had."""
    meters().feedback.labels(service, outcome).inc(events)


def unchecked() -> None:
    """Count a call that was answered without knowing whether its token was used before."""
    meters().unchecked.inc()


@dataclass(frozen=True, eq=False)
class _Standing:
    """Gauges that stand when they are asked for; no worker has to keep them up to date for another."""

    gauges: Sequence[Metric]

    def collect(self) -> Iterator[Metric]:
        yield from self.gauges


def exposition(*, version: str, fingerprint: str, days_left: dict[str, int]) -> bytes:
    """All numbers in Prometheus' text format, of all workers where they share a folder.

    Parameters: `version` of telecode; `fingerprint` of its tables; `days_left`, for each table, until its
    verified-through date.
    """
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - see meters()
    from prometheus_client.metrics_core import GaugeMetricFamily  # noqa: PLC0415 - see meters()
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - see meters()

    build = GaugeMetricFamily(
        "telecode_build_info", "Version of telecode, and fingerprint of its tables.", labels=("version", "fingerprint")
    )
    build.add_metric((version, fingerprint), 1)
    days = GaugeMetricFamily(
        "telecode_table_days_left", "Days until a table's verified-through date; negative after it.", labels=("table",)
    )
    for table, left in sorted(days_left.items()):
        days.add_metric((table,), left)
    counted = meters().registry
    if os.environ.get(SHARED):
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call] # it carries no hints
    standing = CollectorRegistry()
    standing.register(_Standing((build, days)))
    return generate_latest(counted) + generate_latest(standing)
