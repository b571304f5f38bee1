"""Thousands of charts that no EHR sends, or that some will: each is answered, and each answer is one that may be sent.

`TESTS_EXAMPLES` says how many are made: a few by default, ten thousand in CI, a quarter of a million by `make soak`.
"""

import copy
import json
import os
from typing import Any

from flask import Flask
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from bench.payloads import SIZES
from bench.payloads import request as long_request
from tests.protocol.checker import check_answer
from tests.test_leaf_mutations import GOOD, places, request

EXAMPLES = int(os.environ.get("TESTS_EXAMPLES", "300"))
DOOR = "/cds-services/telehealth-em-{}"
Json = dict[str, Any]

SEEDS: list[tuple[str, Json]] = [
    *((DOOR.format("note-sign"), request(resources)) for resources in GOOD.values()),
    (DOOR.format("encounter-discharge"), long_request(SIZES["5 kB"])),
]
SITES = [[path for path, _ in places(seed)] for _, seed in SEEDS]
MOST_EDITS = 6

odd_texts = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "2026-02-30",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59.999999-12:00",
            "#e1",
            "urn:uuid:e1",
            "Encounter/e1/_history/1",
            "Patient/p2",
            "34 min",
            "total time 34 to 40 minutes by phone and video at home",
            "<b>99215</b>",
            "x" * 3_000,
            "\u202e99215",
            "{\\rtf1 34 minutes",
        ]
    ),
)
odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    odd_texts,
    st.builds(list),
    st.builds(dict),
    st.lists(st.none() | odd_texts | st.integers(0, 9), max_size=3),
    st.dictionaries(
        st.sampled_from(["reference", "value", "code", "system", "coding", "start", "x"]), odd_texts, max_size=3
    ),
)
edits = st.lists(
    st.tuples(st.integers(0, 2**16), st.sampled_from(["set", "set", "drop", "twice", "elsewhere"]), odd_values),
    min_size=1,
    max_size=MOST_EDITS,
)


def edited(seed: int, changes: list[tuple[int, str, Any]]) -> Json:
    """A request with some of its branches and leaves changed, dropped, doubled, or moved to where others were."""
    found = copy.deepcopy(SEEDS[seed][1])
    for number, how, value in changes:
        path = SITES[seed][number % len(SITES[seed])]
        try:
            holder: Any = found
            for step in path[:-1]:
                holder = holder[step]
            old = holder[path[-1]]
            if how == "drop":
                del holder[path[-1]]
            elif how == "twice":
                holder[path[-1]] = [old, copy.deepcopy(old)]
            elif how == "elsewhere":
                held: Any = found
                for step in SITES[seed][(number * 31) % len(SITES[seed])]:
                    held = held[step]
                holder[path[-1]] = copy.deepcopy(held)
            else:
                holder[path[-1]] = value
        except (LookupError, TypeError):
            continue  # an earlier change took this place away
    return found


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, len(SEEDS) - 1), changes=edits)
def test_whatever_a_chart_says_the_answer_is_one_that_may_be_sent(
    shared_app: Flask, seed: int, changes: list[tuple[int, str, Any]]
) -> None:
    sent = json.dumps(edited(seed, changes)).encode()
    answer = shared_app.test_client().post(SEEDS[seed][0], data=sent, content_type="application/json")
    event(f"answered {answer.status_code}")
    if answer.status_code == 200:
        said = answer.get_json()
        event(f"{len(said['cards'])} cards")
        check_answer(said)
    else:
        assert answer.status_code in {400, 412}
        assert answer.get_json()["issue"][0]["diagnostics"]
