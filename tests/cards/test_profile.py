"""The profiles of EHRs: the shipped ones, and a site's own file over them."""

from pathlib import Path

import pytest

from cds_hooks.cards.profile import ClientProfile, load_profiles
from fhir_mapping.tables import TableError, config_folder

SHIPPED = load_profiles(config_folder())


def site(tmp_path: Path, text: str) -> dict[str, ClientProfile]:
    path = tmp_path / "clients.yaml"
    path.write_text(text, encoding="utf-8")
    return load_profiles(config_folder(), site=path)


def test_the_shipped_profiles_are_four_and_each_says_where_it_was_read() -> None:
    assert set(SHIPPED) == {"generic", "epic", "oracle", "sandbox"}
    assert all(profile.sources for profile in SHIPPED.values())


def test_what_epic_takes_is_what_its_documentation_says() -> None:
    epic = SHIPPED["epic"]
    assert (epic.action_resource, epic.selection_behavior, epic.one_action) == ("servicerequest", "any", True)
    assert epic.preference_list is not None
    assert epic.preference_list.system == "urn:com.epic.cdshooks.action.code.system.preference-list-item"
    assert epic.longest_token_life >= 900


def test_a_site_changes_members_of_a_shipped_profile_and_the_others_stay(tmp_path: Path) -> None:
    found = site(tmp_path, 'clients: {epic: {triggers: ["60"], links: true}}')
    assert found["epic"] == SHIPPED["epic"].model_copy(update={"triggers": ("60",), "links": True})
    assert found["oracle"] == SHIPPED["oracle"]


def test_a_site_adds_a_profile_of_its_own_like_another_or_like_the_generic_one(tmp_path: Path) -> None:
    found = site(tmp_path, "clients: {north: {like: epic, extension: true}, south: {extension: false}}")
    assert found["north"] == SHIPPED["epic"].model_copy(update={"extension": True})
    assert found["south"] == SHIPPED["generic"].model_copy(update={"extension": False})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("clients:\n  epic:\n    triggers: [60]", "3: clients.epic.triggers.0"),
        ("clients:\n  epic:\n    colour: red", "3: clients.epic.colour"),
        ("clients:\n  north:\n    like: epyc", "3: there is no client profile epyc; known are epic, generic"),
        ("clients: {epic: {longest_token_life: 59}}", "longest_token_life"),
        ("clients: {epic: {longest_token_life: 86401}}", "longest_token_life"),
        ("clients: {oracle: {longest_detail: 399}}", "longest_detail"),
        (
            "clients: {generic: {action_resource: chargeitem, one_action: true}}",
            "a prolonged service needs a suggestion",
        ),
        ("clients: {epic: {preference_list: {system: x, keys: {99214: 'a'}}}}", "must be quoted"),
        ("clients: {oracle: {preference_list: {system: x, keys: {}}}}", "only a servicerequest"),
        ("clients: {epic: null}", "holds a mapping"),
        ("clients: [epic]", "holds a mapping"),
        ("epic: {}", "holds a mapping"),
        ("[]", "holds a mapping"),
    ],
)
def test_a_slip_in_a_sites_file_stops_the_start_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(TableError, match=complaint):
        site(tmp_path, text)


def test_an_ehrs_own_prefetch_keys_lead_to_ours_and_never_over_them() -> None:
    epic = SHIPPED["epic"]
    assert epic.own_keys({"-user": 1, "encounter": 2, "other": 3}) == {"practitioner": 1, "encounter": 2, "other": 3}
    for sent in ({"-user": 1, "practitioner": 2}, {"practitioner": 2, "-user": 1}):
        assert epic.own_keys(sent) == {"practitioner": 2}
