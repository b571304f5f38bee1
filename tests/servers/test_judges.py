"""Judges that are nobody's of ours agree: what is drafted is FHIR, and what a card quotes is drawn as text."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from cds_hooks.cards.markdown import escaped
from fhir_mapping.facts import Release
from tests.cards.test_markdown import ADDRESSES
from tests.cards.test_validators import KINDS, drafts
from tests.servers.judges import judged
from tests.web.test_poison import LINKS, TRIED, details, rich

Json = dict[str, Any]
DRAWN = {"root", "paragraph", "text", "strong", "list", "listItem", "table", "tableRow", "tableCell", "link"}
"""All that a detail is made of: no HTML, no image, no code, no heading."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_r4_draft_passes_medplums_validator(kind: str) -> None:
    found = drafts(kind, Release.R4)
    assert [(one, faults) for one, faults in zip(found, judged("validate.mjs", found), strict=True) if faults] == []


def test_medplums_validator_is_a_judge_that_says_no() -> None:
    broken: list[Json] = [
        {"resourceType": "Claim", "status": "draft"},
        {**drafts("chargeitem", Release.R4)[0], "context": "Encounter/e1"},
        {**drafts("servicerequest", Release.R4)[0], "modifier": ["95"]},
    ]
    assert all(judged("validate.mjs", broken))


def test_the_sandboxs_own_reader_sees_text_and_no_link_in_an_address() -> None:
    for drawn in judged("draw.mjs", [f"| a {escaped(address)} b |" for address in ADDRESSES]):
        assert drawn == {"kinds": ["root", "paragraph", "text"], "addresses": []}


def test_the_sandboxs_own_reader_draws_poison_in_any_string_of_a_request_as_text(
    client: FlaskClient, good: Json
) -> None:
    body = rich(good)
    told = [detail for name, beside in TRIED for detail in details(client, body, name, beside=beside)]
    for drawn in judged("draw.mjs", told):
        assert set(drawn["kinds"]) <= DRAWN
        assert set(drawn["addresses"]) <= LINKS
