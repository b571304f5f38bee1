"""A note that is sent as a CDA document is read section by section, and no other XML is taken for one."""

from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.clinical_document import DocumentRefusedError, from_cda
from fhir_mapping.facts import MdmLevel
from tests.mapping.charts import Json, facts, note, visit

SAID = "I spent a total of 34 minutes on the date of service."
HEAD = '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Total time: 99 minutes</title>'


def section(text: str, title: str = "Time", more: str = "") -> str:
    return f"<component><section><title>{title}</title><text>{text}</text>{more}</section></component>"


def document(*sections: str) -> str:
    return f"{HEAD}<component><structuredBody>{''.join(sections)}</structuredBody></component></ClinicalDocument>"


def other_body(text: str | bytes, media: str = 'mediaType="text/plain"') -> str:
    held = b64encode(text).decode() if isinstance(text, bytes) else text
    how = ' representation="B64"' if isinstance(text, bytes) else ""
    body = f"<component><nonXMLBody><text {media}{how}>{held}</text></nonXMLBody></component>"
    return f"{HEAD}{body}</ClinicalDocument>"


@pytest.mark.parametrize(
    "kind",
    [
        "application/xml",
        "text/xml",
        "TEXT/XML; charset=utf-8",
        "application/hl7-v3+xml",
        "application/cda+xml",
        "application/hl7-cda+xml",
    ],
)
def test_a_clinical_document_is_read_in_every_name_of_its_format(kind: str) -> None:
    found = facts(visit(), note(document(section(f"<paragraph>{SAID}</paragraph>")), kind))
    assert found.total_minutes.value == 34
    assert found.total_minutes.evidence[0].resource == "DocumentReference/d1"
    assert found.notes == ()


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"<?xml version='1.0' encoding='UTF-16'?>{}", "utf-16"),
        (b"<?xml version='1.0' encoding='ISO-8859-1'?>{}", "iso-8859-1"),
        (b"<?xml version='1.0' encoding='windows-1252'?>{}", "cp1252"),
        (b"<?xml version='1.0'?>{}", "utf-8-sig"),
    ],
)
def test_a_clinical_document_says_its_own_encoding(sent: bytes, kind: str) -> None:
    whole = sent.decode().format(document(section(f"Señora: {SAID}"))).encode(kind)
    assert "Señora" in from_cda(whole).text
    assert facts(visit(), note(whole, "text/xml")).total_minutes.value == 34


def test_where_it_says_none_that_of_the_attachment_counts() -> None:
    whole = document(section(f"Señora: {SAID}")).encode("iso-8859-1")
    assert facts(visit(), note(whole, "text/xml; charset=iso-8859-1")).total_minutes.value == 34
    assert facts(visit(), note(whole, "text/xml")).notes == ("DocumentReference/d1: its text is broken; not read",)


@pytest.mark.parametrize(
    ("narrative", "text"),
    [
        ("Total time:<br/>34 minutes", "Total time:\n34 minutes"),
        ("<paragraph>One</paragraph><paragraph>Two</paragraph>", "One\nTwo"),
        ("<list><item>Video</item><item>At home</item></list>", "Video\nAt home"),
        ("<table><tbody><tr><td>MDM</td><td>low</td></tr><tr><th>A</th></tr></tbody></table>", "MDM low\nA"),
        ("<content styleCode='Bold'>Total</content> time", "Total time"),
        ("<linkHtml href='x'>Total</linkHtml> time &lt; 34 &amp; more", "Total time < 34 & more"),
        ("Total <!-- 99 --><?x 98?>time", "Total time"),
        ("3<content styleCode='Bold Italics'>4</content> minutes", "34 minutes"),
        ("34<content styleCode='xSuperscript'>1</content> minutes", "34^1 minutes"),
        ("34<linkHtml href='#a'>1</linkHtml> minutes", "34^1 minutes"),
        ("3<renderMultiMedia referencedObject='m'/>4 minutes", "3^4 minutes"),
        ("Time <content revised='delete'>60 <b>min</b></content><content revised='insert'>34</content>", "Time 34"),
        ("Time <content styleCode='xStrikethrough'>60</content> 34", "Time 34"),
        ("Time <content styleCode='Hidden Bold'>60</content> 34", "Time 34"),
    ],
)
def test_the_text_of_a_section_is_read_as_it_is_shown(narrative: str, text: str) -> None:
    lines = [" ".join(line.split()) for line in from_cda(document(section(narrative)).encode()).text.splitlines()]
    assert [line for line in lines if line] == ["Time:", *text.splitlines()]


def test_sections_stand_under_their_titles_and_those_within_them_too() -> None:
    inner = section("Problems moderate.", "MDM")
    entry = "<entry><act><text>Total time: 60 minutes</text></act></entry>"
    found = from_cda(document(section("Doing well.", "Plan", entry + inner), section(SAID)).encode())
    assert found.text == f"Plan:\nDoing well.\n\nMDM:\nProblems moderate.\n\nTime:\n{SAID}"


def test_only_what_stands_in_sections_is_the_note() -> None:
    assert not facts(visit(), note(document(section("Well.")), "text/xml")).total_minutes.known
    outside = f"{HEAD}<component><section><text>{SAID}</text></section></component></ClinicalDocument>"
    found = facts(visit(), note(outside, "text/xml"))
    assert found.notes == ("DocumentReference/d1: it has no text; not read",)


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (SAID, 'mediaType="text/plain"'),
        (SAID.encode(), 'mediaType="text/plain"'),
        (rf"{{\rtf1 {SAID}}}".encode(), 'mediaType="text/rtf"'),
        (f"<p>{SAID}</p>".encode(), 'mediaType="text/html; charset=utf-8"'),
    ],
)
def test_a_body_that_is_no_xml_is_read_in_its_own_format(body: str | bytes, media: str) -> None:
    assert facts(visit(), note(other_body(body, media), "text/xml")).total_minutes.value == 34


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ("<html><body>Total time: 60 minutes</body></html>", "it is XML, but no clinical document"),
        ("<Bundle><ClinicalDocument/></Bundle>", "it is XML, but no clinical document"),
        (f"<!DOCTYPE ClinicalDocument>{document(section(SAID))}", "it declares a document type"),
        (
            f'<!DOCTYPE x [<!ENTITY a "34">]>{document(section("Total time: &a; minutes"))}',
            "it declares a document type",
        ),
        (document(section("Total time: &a; minutes")), "its text is broken"),
        (document(section(SAID))[:-9], "its text is broken"),
        (document(section("<content>" * 126 + SAID + "</content>" * 126)), "its text is broken"),
        ("Total time: 34 minutes", "its text is broken"),
        (other_body(b"%PDF", 'mediaType="application/pdf"'), "its format is application/pdf"),
        (other_body(SAID, ""), "its format is not said"),
        (document(section("  ")), "it has no text"),
    ],
)
def test_what_is_not_read_is_named_with_the_reason(sent: str, why: str) -> None:
    found = facts(visit(), note(sent, "text/xml"))
    assert found.notes == (f"DocumentReference/d1: {why}; not read",)
    assert not found.total_minutes.known


def test_nothing_is_read_of_a_document_that_was_cut() -> None:
    long = document(section(SAID), section("word " * 500_000))
    assert facts(visit(), note(long, "text/xml")).notes == (
        "DocumentReference/d1: the notes together are too long; not read",
    )


def test_other_xml_is_refused_before_it_is_read_whole() -> None:
    with pytest.raises(DocumentRefusedError, match="no clinical document"):
        from_cda(b"<feed>" + b"x" * 10_000)


@given(
    pieces=st.lists(
        st.sampled_from(
            [HEAD, "<component>", "<structuredBody>", "<section>", "<text>", "<nonXMLBody>", "<title>", "</"]
        )
        | st.sampled_from(["</text>", "</section>", "</title>", "&lt;", "<br/>", "\x00", "<?xml?>", "<!--", "text>"])
        | st.text(max_size=5),
        max_size=12,
    )
)
def test_whatever_is_sent_as_a_clinical_document_is_read_or_refused(pieces: list[str]) -> None:
    with suppress(ValueError):
        assert from_cda("".join(pieces).encode(errors="replace")).text is not None


def test_a_level_in_a_table_is_read_with_its_label() -> None:
    row: Json = note(document(section("<table><tr><td>MDM:</td><td>low</td></tr></table>", "MDM")), "text/xml")
    assert facts(visit(), row).mdm.value is MdmLevel.LOW
