"""A name or value that is nearly right is told, with the nearest right one, and never passed over."""

import pytest

from cds_hooks.environment import complaints

SETTINGS = ("auth", "environment", "host", "public_url", "retention_days", "trust")
LISTS = ("public_url",)
TOKEN = "TELECODE_CALL_TOKEN"  # noqa: S105 - the name of a variable


def told(**environment: str) -> list[str]:
    return list(complaints(environment, SETTINGS, lists=LISTS, others=(TOKEN,)))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("TELECODE_AUHT", "TELECODE_AUTH"),
        ("telecode_auht", "TELECODE_AUTH"),
        ("TELECODE_ENVIROMENT", "TELECODE_ENVIRONMENT"),
        ("TELECODE_AUTH_", "TELECODE_AUTH"),
        ("TELECODE_AUTH ", "TELECODE_AUTH"),
        ("TELECODE__AUTH", "TELECODE_AUTH"),
        ("TELECODE-AUTH", "TELECODE_AUTH"),
        ("TELECODEAUTH", "TELECODE_AUTH"),
        ("TELCODE_AUTH", "TELECODE_AUTH"),
        ("TELE_CODE_AUTH", "TELECODE_AUTH"),
        ("telecode_call_token", TOKEN),
        ("TELECODE_TOKEN", TOKEN),
        ("TELECODE_PORT", "PORT"),
        ("TELECODE_WORKERS", "WEB_CONCURRENCY"),
        ("TELECODE_EXAMPLES", ""),
    ],
)
def test_a_name_that_is_no_setting_is_told_with_the_nearest_that_is_one(name: str, nearest: str) -> None:
    (sentence,) = told(**{name: "required"})
    assert sentence.startswith(f"{name} is no setting of telecode; the nearest is {nearest}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELECODE_AUTH", "required"),
        ("telecode_auth", "required"),
        ("TeleCode_Auth", "required"),
        (TOKEN, "t"),
        ("TELECODE", "/opt/telecode"),
        ("_TELECODE_COMPLETE", "bash_complete"),
        ("TELECOM_AUTH", "other"),
        ("TELEMETRY_ENVIRONMENT", "other"),
        ("AUTH", "other"),
        # What Kubernetes gives every container of a namespace that has a Service called telecode.
        ("TELECODE_SERVICE_HOST", "10.0.0.1"),
        ("TELECODE_SERVICE_PORT", "8000"),
        ("TELECODE_SERVICE_PORT_HTTP", "8000"),
        ("TELECODE_PORT", "tcp://10.0.0.1:8000"),
        ("TELECODE_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("TELECODE_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("TELECODE_CANARY_SERVICE_HOST", "10.0.0.2"),
        ("TELECODE_PUBLIC_URL", ""),
        ("TELECODE_PUBLIC_URL", " https://a.example , https://b.example "),
        ("TELECODE_HOST", ""),
        ("TELECODE_TRUST", "/etc/telecode/trust#1.yaml"),
    ],
)
def test_what_is_a_setting_or_somebody_elses_is_let_pass(name: str, value: str) -> None:
    assert told(**{name: value}) == []


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (" required", "has blanks"),
        ("required\r", "has blanks"),
        ('"required"', "has quotes"),
        ("'required'", "has quotes"),
        ("required # since the audit", "has a comment"),
        ("required\t#", "has a comment"),
    ],
)
def test_a_value_as_no_file_of_settings_means_it_is_told(value: str, why: str) -> None:
    (sentence,) = told(TELECODE_AUTH=value)
    assert sentence.startswith(f"TELECODE_AUTH {why}")
    assert "required" not in sentence  # a value may be a secret


@pytest.mark.parametrize("value", ['"https://a.example"', "https://a.example # ours"])
def test_a_list_is_looked_at_for_quotes_and_comments_too(value: str) -> None:
    (sentence,) = told(TELECODE_PUBLIC_URL=value)
    assert sentence.startswith("TELECODE_PUBLIC_URL has")


def test_one_setting_that_is_given_twice_is_told() -> None:
    assert told(TELECODE_AUTH="required", telecode_auth="off") == [
        "TELECODE_AUTH and telecode_auth are one setting: keep one of them"
    ]
