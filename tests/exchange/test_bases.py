"""A base is taken letter by letter, and a further page must lie within it."""

import pytest

from cds_hooks.exchange.bases import as_base, lies_within

BASE = "https://fhir.example:8443/api/FHIR/R4"


@pytest.mark.parametrize(
    "url",
    [
        BASE,
        "https://fhir.example",
        "https://127.0.0.1/fhir",
        "https://[2001:db8::1]/fhir",
        "http://127.0.0.1:8103/fhir/R4",
        "http://localhost/fhir",
        "http://[::1]:80/fhir",
        "https://fhir.example:65535/r4",
    ],
)
def test_a_plain_address_is_a_base_with_or_without_a_slash_at_its_end(url: str) -> None:
    assert as_base(url) == as_base(f"{url}/") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "fhir.example",
        "//fhir.example/r4",
        "ftp://fhir.example/r4",
        "file:///etc/passwd",
        "http://fhir.example/r4",
        "http://127.0.0.1.evil.example/r4",
        "http://127.0.0.2/r4",
        "https://user@fhir.example/r4",
        "https://user:word@fhir.example/r4",
        "https://fhir.example/r4?x=y",
        "https://fhir.example/r4#x",
        "https://fhir.example/./r4",
        "https://fhir.example/r4/..",
        "https://fhir.example/..;/r4",
        "https://fhir.example/a%2Fb",
        "https://fhir.example/%2e%2e",
        "https://fhir.example\\@evil.example/r4",
        "https://fhir.example/r4\n",
        "https://fhir.example/r 4",
        "https://fhír.example/r4",
        "https://fhir.example:port/r4",
        "https://fhir.example:0/r4",
        "https://fhir.example:65536/r4",
        "https://[2001:db8::1::2]/r4",
    ],
)
def test_anything_else_is_refused_as_a_base(url: str) -> None:
    with pytest.raises(ValueError, match="must be https"):
        as_base(url)


@pytest.mark.parametrize(
    "rest", ["/Encounter?page=2", "?_getpages=ab-1&_bundletype=searchset", "/Encounter/_search?p=a%7Cb"]
)
def test_a_page_within_the_base_is_followed(rest: str) -> None:
    assert lies_within(BASE, BASE + rest)


@pytest.mark.parametrize(
    "url",
    [
        "",
        BASE,
        f"{BASE}x/Encounter",
        f"{BASE}#x",
        f"{BASE}@evil.example/x",
        f"{BASE}.evil.example/x",
        f"{BASE}/../../admin",
        f"{BASE}/..;/admin",
        f"{BASE}/.",
        f"{BASE}/%2e%2e/admin",
        f"{BASE}/a%2f..%2fb",
        f"{BASE}/a\\..\\b",
        f"{BASE}/a#b",
        f"{BASE}/a b",
        f"{BASE}/a\nb",
        f"{BASE}/á",
        f"{BASE}?" + "x" * 5000,
        BASE.upper() + "/x",
        BASE.replace("https", "http") + "/x",
        BASE.replace(":8443", "") + "/x",
        BASE.replace(":8443", ":8444") + "/x",
        BASE.replace("fhir.example", "fhir.example.") + "/x",
        BASE.replace("https://", "https://user@") + "/x",
        BASE.removeprefix("https:") + "/x",
        "/api/FHIR/R4/x",
        "Encounter?page=2",
    ],
)
def test_a_page_anywhere_else_is_not_followed(url: str) -> None:
    assert not lies_within(BASE, url)
