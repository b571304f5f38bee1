"""The note is found where EHRs keep it, in the formats they write, and what cannot be read is named as unread."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mapping.facts import MdmLevel, Modality
from fhir_mapping.markup import from_html
from fhir_mapping.rtf import from_rtf
from tests.mapping.charts import Json, bundle, by_method, extended, facts, minutes, note, read, visit

SAID = "I spent a total of 34 minutes on the date of service."
HTML = "<html><head><title>99 minutes total time</title></head><body><p>I spent a <b>total</b> of 34&nbsp;minutes</p>"
RTF = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 I spent a \b total\b0  of 34 minutes.\par}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (SAID, "text/plain"),
        (SAID, "text/plain; charset=utf-8"),
        (SAID.encode("utf-16"), "text/plain; charset=utf-16"),
        (f"Señora.\n{SAID}".encode("cp1252"), "text/plain"),
        (SAID.replace(" ", "\r\n", 1), "text/plain"),
        (HTML, "text/html"),
        (HTML, "TEXT/HTML"),
        (f"<div xmlns='http://www.w3.org/1999/xhtml'><p>{SAID}</p></div>", "application/xhtml+xml"),
        ("<table><tr><td>Total time:</td><td>34 minutes</td></tr></table>", "text/html"),
        (RTF, "text/rtf"),
        (RTF, "application/rtf"),
    ],
)
def test_a_note_is_read_in_every_format_that_holds_text(text: str | bytes, kind: str) -> None:
    assert facts(visit(), note(text, kind)).total_minutes.value == 34


def test_what_a_page_hides_is_no_note() -> None:
    page = "<style>total time 50 minutes</style><script>'total time 51 minutes'</script><p>Well.</p>"
    assert not facts(visit(), note(page, "text/html")).total_minutes.known


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (note("%PDF-1.7", "application/pdf"), "its format is application/pdf"),
        (note(SAID, None), "its format is not said"),
        (note(SAID, content=[{"attachment": {"contentType": "text/plain"}}]), "its text was not sent"),
        (note(SAID, content=[{"attachment": {"contentType": "text/plain", "data": "§§§"}}]), "its text is broken"),
        (note(r"{\rtf1 \u99999999? }", "text/rtf"), "its text is broken"),
        (note(r"{\rtf1 \u9999999999? }", "text/rtf"), "its text is broken"),
        (note(r"{\rtf1 \u-99999? }", "text/rtf"), "its text is broken"),
        (note(r"{\rtf1 \uc text}", "text/rtf"), "its text is broken"),
        (note(r"{\rtf1 {\pict\bin} }", "text/rtf"), "its text is broken"),
        (note(SAID, content=[]), "it has no text"),
    ],
)
def test_a_note_that_cannot_be_read_is_named_with_the_reason(document: Json, why: str) -> None:
    found = facts(visit(), document)
    assert f"DocumentReference/d1: {why}; not read" in found.notes
    assert not found.total_minutes.known


def test_a_note_whose_text_lies_in_a_binary_is_read_where_the_binary_was_sent() -> None:
    attachment = {"contentType": "text/plain", "url": "Binary/b1"}
    binary = {"resourceType": "Binary", "id": "b1", "data": b64encode(SAID.encode()).decode()}
    document = note(SAID, content=[{"attachment": attachment}])
    assert facts(visit(), document, binary).total_minutes.value == 34
    assert "DocumentReference/d1: its text was not sent; not read" in facts(visit(), document).notes


def test_of_two_formats_of_one_note_one_is_read() -> None:
    pdf = {"attachment": {"contentType": "application/pdf", "data": "JVBERg=="}}
    plain = {"attachment": {"contentType": "text/plain", "data": b64encode(SAID.encode()).decode()}}
    found = facts(visit(), note(SAID, content=[pdf, plain]))
    assert found.total_minutes.value == 34
    assert found.notes == ()


@pytest.mark.parametrize(
    ("document", "read_it"),
    [
        (note(SAID, context={"encounter": [{"reference": "Encounter/other"}]}), False),
        (note(SAID, context=None, date="2026-11-23T20:05:00Z"), True),
        (note(SAID, context=None, date="2026-11-22T20:05:00Z"), False),
        (note(SAID, context=None, date="2026-11-24T20:05:00Z"), False),
        (note(SAID, context=None), False),
        (note(SAID, context=[{"reference": "Encounter/e1"}]), True),  # R5
        (note(SAID, context=[{"reference": "Encounter/other"}]), False),
        (note(SAID, status="superseded"), False),
        (note(SAID, status="entered-in-error"), False),
        (note(SAID, docStatus="entered-in-error"), False),
        (note(SAID, docStatus=None), True),
        (note(SAID, subject={"reference": "Patient/p2"}), False),
    ],
)
def test_only_the_standing_notes_of_this_visit_are_read(document: Json, *, read_it: bool) -> None:
    assert facts(visit(), document).total_minutes.known is read_it


def test_a_preliminary_note_is_read_and_said_to_be_so() -> None:
    found = facts(visit(), note(SAID, docStatus="preliminary"))
    assert found.total_minutes.value == 34
    assert "DocumentReference/d1 is preliminary, not final" in found.notes


def composition(**members: object) -> Json:
    time = {"title": "Time", "text": {"div": f"<div>{SAID}</div>"}}
    nested = {"title": "Plan", "section": [{"title": "MDM", "text": {"div": "<div>MDM: moderate.</div>"}}]}
    return {
        "resourceType": "Composition",
        "id": "n1",
        "status": "final",
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "section": [time, nested],
    } | members


def test_a_composition_is_read_section_by_section() -> None:
    found = facts(visit(), composition())
    assert (found.total_minutes.value, found.mdm.value) == (34, "moderate")
    assert found.mdm.evidence[0].resource == "Composition/n1"
    assert not facts(visit(), composition(encounter={"reference": "Encounter/other"})).total_minutes.known
    assert not facts(visit(), composition(status="entered-in-error")).total_minutes.known


def test_a_very_long_note_is_read_as_far_as_a_note_goes() -> None:
    assert facts(visit(), note(f"{SAID}\n" + "word " * 400_000)).total_minutes.value == 34


def test_the_type_of_a_note_hints_at_the_mode_where_nothing_better_does() -> None:
    telephone = {"coding": [{"system": "http://loinc.org", "code": "34748-4"}]}
    called = facts(visit(), note("Doing well.", type=telephone)).modality
    assert called.value == "audio_only"
    assert called.evidence[0].path == "DocumentReference.type"
    by_video = facts(visit(extension=[by_method("video")]), note("Doing well.", type=telephone)).modality
    assert by_video.value == "audio_video"
    telehealth = {"coding": [{"system": "http://loinc.org", "code": "75496-0"}]}
    assert not facts(visit(), note("Doing well.", type=telehealth)).modality.known


def test_what_is_structured_goes_before_the_note_which_confirms_it_or_contradicts_it_for_all_to_see() -> None:
    agreed = facts(visit(), minutes("total-time", 34), note(SAID)).total_minutes
    assert agreed.value == 34
    assert [one.how for one in agreed.evidence] == ["structured", "note"]
    against = facts(visit(), minutes("total-time", 24), note(SAID)).total_minutes
    assert against.value == 24
    assert [one.resource for one in against.evidence] == ["Observation/o-total-time"]
    assert (
        f'DocumentReference/d1 note[0:53] says otherwise ("{SAID}"); it ranks lower and was not used' in against.notes
    )


def test_two_notes_that_disagree_are_a_conflict() -> None:
    found = facts(visit(), note(SAID), note(SAID.replace("34", "43"), own="d2")).total_minutes
    assert found.value is None
    assert sorted(rival.value for rival in found.conflict) == [34, 43]


def test_a_vague_total_is_asked_about_in_its_own_words() -> None:
    found = facts(visit(), note("I spent about 30 minutes on this visit.")).total_minutes
    assert found.value is None
    assert 'the note says "I spent about 30 minutes on this visit."' in (found.why_unknown or "")


def test_a_level_that_is_not_understood_is_told_in_its_own_words() -> None:
    found = facts(visit(), note("MDM: S/F. Rest.")).mdm
    assert found.value is None
    assert found.why_unknown == 'the note says "MDM: S/F.", which could not be read as one level'


@pytest.mark.parametrize(
    ("documents", "structured", "alone"),
    [([], "and no note was read", "no note was read"), ([note("Well.")], "nor does a note", "no note says it")],
)
def test_what_is_not_known_tells_a_silent_note_from_none(documents: list[Json], structured: str, alone: str) -> None:
    found = facts(visit(), *documents)
    assert found.mdm.why_unknown == f"neither an Observation nor an extension of the Encounter says it, {structured}"
    assert found.consent_documented.why_unknown == alone


def test_the_note_decides_the_mode_over_the_class_alone_and_never_over_an_extension() -> None:
    telephone = "The entire visit was conducted by telephone."
    assert facts(visit("AMB"), note(telephone)).modality.value == "audio_only"
    assert facts(visit("VR"), note(telephone)).modality.value == "audio_only"
    by_video = facts(visit("VR", extension=[by_method("video")]), note(telephone)).modality
    assert by_video.value == "audio_video"
    assert any("says otherwise" in said for said in by_video.notes)


def test_an_interrupted_visit_told_in_the_note_brings_its_minutes_along() -> None:
    told = "The visit began by video and was converted to telephone: 15 minutes by video, then 10 minutes by telephone."
    found = facts(visit(), note(told))
    assert found.modality.value == "interrupted"
    assert (found.video_minutes.value, found.audio_minutes.value) == (15, 10)


def test_minutes_over_seven_days_are_the_total_of_a_written_exchange_alone() -> None:
    told = "Cumulative clinician time over seven days: 13 minutes."
    written = facts(visit(), note(f"Asynchronous exchange by portal message only.\n{told}"))
    assert (written.modality.value, written.total_minutes.value) == ("asynchronous", 13)
    assert not facts(visit(), note(f"Visit conducted by video.\n{told}")).total_minutes.known


def test_the_note_fills_what_no_code_carries() -> None:
    told = (
        "Visit conducted by telephone. Patient at home. I was in the clinic and was able to use video. "
        "Patient declined video. Verbal consent to telehealth was obtained. 18 minutes of medical discussion."
    )
    found = facts(visit(), note(told))
    assert found.patient_location.value == "home"
    assert found.clinician_location.value == "office"
    assert found.video_capable.value is True
    assert found.audio_only_reason.value == "patient_declined"
    assert found.consent_documented.value is True
    assert found.discussion_minutes.value == 18


def test_mdm_elements_of_a_note_count_where_none_is_structured() -> None:
    told = "MDM: problems moderate, data low, risk moderate."
    assert facts(visit(), note(told)).mdm_elements.value is not None
    structured = extended("em-mdm-level", valueCodeableConcept={"text": "high"})
    assert facts(visit(extension=[structured]), note("MDM: low.")).mdm.value == "high"


def test_notes_come_in_bundles_too() -> None:
    assert read(visit(), bundle(note(SAID))).facts.total_minutes.value == 34


def test_a_note_that_is_sent_twice_is_one_witness() -> None:
    found = facts(visit(), note(SAID), note(SAID, own="d2")).total_minutes
    assert [one.resource for one in found.evidence] == ["DocumentReference/d1"]


def test_notes_that_together_are_longer_than_any_request_are_named_as_unread() -> None:
    long = [note(f"{number} {SAID} " * 30_000, own=f"d{number}") for number in range(8)]
    assert "DocumentReference/d7: the notes together are too long; not read" in facts(visit(), *long).notes


MINE, OTHERS = {"reference": "Practitioner/dr1"}, {"reference": "Practitioner/dr9"}
SPENT = "Video visit. MDM: high. Total time: 60 minutes."
UNLINKED: Json = {"context": None, "date": "2026-11-23T16:00:00-05:00"}
NOT_READ = "DocumentReference/d1: it names no visit and is by another clinician; not read"
NOT_USED = "DocumentReference/d1 is by another clinician: its minutes and MDM are not used"


@pytest.mark.parametrize(
    ("members", "read_as_own"),
    [
        ({}, True),
        ({"author": [MINE]}, True),
        ({"author": [OTHERS]}, False),
        ({"author": [OTHERS, MINE]}, True),
        ({"author": [OTHERS, {"reference": "Organization/o1"}]}, False),
        ({"author": [OTHERS], "authenticator": MINE}, True),
        ({"author": [OTHERS], "attester": [{"mode": {"text": "legal"}, "party": MINE}]}, True),
        ({"author": [OTHERS], "authenticator": OTHERS}, False),
        ({"author": [{"display": "Dr. No"}]}, True),  # who that is cannot be told
        ({"author": [OTHERS, {"display": "Dr. No"}]}, True),
        ({"author": [{"reference": "PractitionerRole/r9"}]}, True),  # which may be a role of the clinician
        ({"author": [{"reference": "Organization/o1"}]}, True),
    ],
)
def test_minutes_and_decision_making_are_the_clinicians_own(members: Json, *, read_as_own: bool) -> None:
    found = facts(visit(), note(SPENT, **members))
    assert (found.total_minutes.value, found.mdm.value) == ((60, MdmLevel.HIGH) if read_as_own else (None, None))
    assert found.modality.value is Modality.AUDIO_VIDEO  # how they met may be told by anybody
    assert (NOT_USED in found.notes) is not read_as_own
    unlinked = facts(visit(), note(SPENT, **members, **UNLINKED))
    assert (unlinked.modality.known, NOT_READ in unlinked.notes) == (read_as_own, not read_as_own)


def test_the_clinician_is_known_by_npi_and_by_role_too() -> None:
    role = {"resourceType": "PractitionerRole", "id": "r1", "practitioner": MINE}
    by_role = note(SPENT, author=[{"reference": "PractitionerRole/r1"}])
    assert facts(visit(), role, by_role).total_minutes.value == 60
    nurse = {**role, "id": "r9", "practitioner": OTHERS}
    by_nurse = note(SPENT, author=[{"reference": "PractitionerRole/r9"}])
    assert facts(visit(), nurse, by_nurse).total_minutes.value is None


@pytest.mark.parametrize(
    ("markup", "level"),
    [
        ("<p><s>MDM: high</s> MDM: moderate</p>", MdmLevel.MODERATE),
        ("<p><strike>MDM: high</strike> MDM: moderate</p>", MdmLevel.MODERATE),
        ("<p><del>MDM: <b>high</b></del> MDM: moderate</p>", MdmLevel.MODERATE),
        ("<S class=x><p>MDM: high</p></S ><p>MDM: moderate</p>", MdmLevel.MODERATE),
        ("<del/>MDM: high", MdmLevel.HIGH),  # XHTML: it holds nothing
        ("<p hidden>MDM: high</p><p>MDM: moderate</p>", MdmLevel.MODERATE),
        ("<span style='color:red; text-decoration: Line-Through'>MDM: high</span> MDM: moderate", MdmLevel.MODERATE),
        ("<div style='display: none'>MDM: high</div> MDM: moderate", MdmLevel.MODERATE),
        ("<div style='visibility:hidden'>MDM: high</div> MDM: moderate", MdmLevel.MODERATE),
        (
            "<div style='display:none'><s style='display:none'>MDM: low</s>MDM: high</div> MDM: moderate",
            MdmLevel.MODERATE,
        ),
        ("<div style='display:block'>MDM: high</div>", MdmLevel.HIGH),
        ("<body style='display:none'>MDM: high</body>", None),
    ],
)
def test_what_a_page_strikes_out_or_hides_is_not_read(markup: str, level: MdmLevel | None) -> None:
    assert facts(visit(), note(markup, "text/html")).mdm.value == level


@pytest.mark.parametrize(
    "body",
    [
        r"\strike MDM: high\strike0\par MDM: moderate",
        r"{\strike MDM: high}\par MDM: moderate",
        r"{\striked1 MDM: high}\par MDM: moderate",
        r"{\v MDM: high}\par MDM: moderate",
        r"\strike\v MDM: high\v0  in all\plain\par MDM: moderate",
        r"{\deleted MDM: {\b h\'69gh}}\par MDM: moderate",
        r"{\strike MDM: \u104 h\u105 igh}\par MDM: moderate",
        r"\strike0\v0 MDM: \viewkind4 moderate",
    ],
)
def test_what_rich_text_strikes_out_or_hides_is_not_read(body: str) -> None:
    markup = RTF[: RTF.index(r"I spent")] + body + "}"
    assert facts(visit(), note(markup, "text/rtf")).mdm.value is MdmLevel.MODERATE


@pytest.mark.parametrize(
    ("markup", "mode"),
    [
        ("<input type=checkbox checked> Video visit<br><input type=checkbox> Telephone visit", Modality.AUDIO_VIDEO),
        ("<input type=checkbox> Video visit<br><input type=radio checked=''> Telephone visit", Modality.AUDIO_ONLY),
        ("<select><option>Telephone visit<option selected>Video visit</select>", Modality.AUDIO_VIDEO),
        ("<select><option>Telephone visit</option><option>Video visit</option></select>", None),
    ],
)
def test_the_ticked_box_of_a_page_is_the_one_that_counts(markup: str, mode: Modality | None) -> None:
    assert facts(visit(), note(markup, "text/html")).modality.value is mode


@pytest.mark.parametrize(
    "markup",
    [
        "I spent<p>34 minutes in total.</p>",
        "I spent 34 minutes in total<br>on the day.",
        "<table><tr><td>Total time</td><td>34 min</td></tr></table>",
        "<table><tr><td><p>Total time</p></td><td><p>34 min</p></td></tr></table>",
        "<div>" * 254 + SAID,
    ],
)
def test_a_page_is_read_as_it_is_laid_out(markup: str) -> None:
    assert facts(visit(), note(markup, "text/html")).total_minutes.value == 34


@pytest.mark.parametrize(
    ("markup", "minutes"),
    [
        ("3<b>4</b> minutes", 34),
        ("3<del>9</del>4 minutes", 34),
        ("3<ins>4</ins> minutes", 34),
        ("3<span style='display:none'>9</span>4 minutes", 34),
        ("3<span style='font-size:0'>9</span>4 minutes", 34),
        ("3<span style='opacity:0.0'>9</span>4 minutes", 34),
        ("3<span style='font-size:0.9em'>4</span> minutes", 34),
        ("3&frasl;4 hours", None),
        ("34&nbsp;minutes", 34),
        ("3&#8203;4 minutes", 34),
        ("thirty&#8209;four minutes", 34),
        ("thirty&shy;four minutes", 34),
        ("<span style='vertical-align: baseline'>34</span> minutes", 34),
        ("<math><mn>34</mn></math> minutes", 34),
        ("34 minutes<sup>&reg;</sup>", 34),
        ("34<sup>1</sup> minutes", None),
        ("34 <sup>1</sup> minutes", None),
        ("34<SUP>*</SUP> minutes", None),
        ("34<sub>1</sub> minutes", None),
        ("34<small>1</small> minutes", None),
        ("34 minutes<sup>1</sup>", None),
        ("34 minutes.<sup>1</sup>", None),
        ("<sup>1</sup>34 minutes", None),
        ("thirty-four<sup>1</sup> minutes", None),
        ("<sup>1</sup>thirty-four minutes", None),
        ("34<a href='#fn1'>1</a> minutes", None),
        ("34<a class='footnote-ref' href='x'>1</a> minutes", None),
        ("34<span style='vertical-align:super'>1</span> minutes", None),
        ("34<span style='position:relative;mso-text-raise:3.0pt'>1</span> minutes", None),
        ("<ruby>34<rp>(</rp><rt>43</rt><rp>)</rp></ruby> minutes", None),
        ("<math><mfrac><mn>3</mn><mn>4</mn></mfrac></math> hours", None),
        ("<math><msup><mn>34</mn><mn>1</mn></msup></math> minutes", None),
        ("3<br>4 minutes", None),
        ("3<span style='color:red; font-weight:bold'>4</span> minutes", 34),
        ("<span class='v'>34</span><span class='u'> minutes</span>", 34),
        ("34<span style='position:relative;bottom:4px'>1</span> minutes", None),
        ("34<span class='fn'>1</span> minutes", None),
        ("34<a name='x'>1</a> minutes", None),
        ("34<label>1</label> minutes", None),
        ("34<button>1</button> minutes", None),
        ("34<font size='1'>1</font> minutes", None),
        ("3<img src='x'>4 minutes", None),
        ("3<input value='9'>4 minutes", None),
        ("3<span style='mso-hide:all'>9</span>4 minutes", None),
        ("3<object>9</object>4 minutes", None),
        ("<font face='Symbol'>&#163;</font> 34 minutes", None),
        ("<span style='font-family:Symbol,serif'>&#61603;</span>34 minutes", None),
        ("<span style='font:12pt Symbol'>&#179;<b>34</b></span> minutes", None),
        ("<span style='font-family:\"Segoe UI Symbol\"'>34</span> minutes", 34),
    ],
)
def test_a_number_on_a_page_is_never_joined_with_what_is_no_part_of_it(markup: str, minutes: int | None) -> None:
    found = facts(visit(), note(f"<p>Total time: {markup}</p>", "text/html")).total_minutes
    assert found.value == minutes
    assert minutes or "which is no exact statement" in (found.why_unknown or "")


FONTS = (
    r"{\fonttbl{\f0\fswiss Arial;}{\f3\froman\fcharset2{\*\panose 05050102010706020507}Symbol;}"
    r"{\f4\fnil\fcharset2 Wingdings;}{\f5\fnil\fcharset2 Some Signs;}{\f6\fnil Symbol;}{\f7\fnil Wingdings 2;}}"
)


def rich(body: str) -> str:
    return rf"{{\rtf1\ansi\ansicpg1252\deff0{FONTS}\f0 {body}\par}}"


@pytest.mark.parametrize(
    ("body", "minutes"),
    [
        (r"3{\b 4} minutes", 34),
        (r"34\~minutes", 34),
        (r"thirty\_four minutes", 34),
        (r"thirty\-four minutes", 34),
        (r"3\u8203?4 minutes", 34),
        ("3\r\n4 minutes", 34),
        (r"34\super0  minutes\nosupersub", 34),
        (r"{\f3 34} minutes", 34),
        (r"{\field{\*\fldinst FORMTEXT}{\fldrslt 34}} minutes", 34),
        (r"34 minutes. MDM{\footnote As below.}: low", 34),
        (r"34{\super 1} minutes", None),
        (r"34\super 1\nosupersub  minutes", None),
        (r"34\super1 1\super0  minutes", None),
        (r"34\super 1\plain  minutes", None),
        (r"34{\up6 1} minutes", None),
        (r"34{\sub 1} minutes", None),
        (r"34\dn4 1\dn0  minutes", None),
        (r"34{\super\'31} minutes", None),
        (r"34{\super\u185?} minutes", None),
        (r"34\u185? minutes", None),
        (r"{\super 1}34 minutes", None),
        (r"34 minutes{\super 1}", None),
        (r"34{\footnote Estimated.} minutes", None),
        (r"34 minutes{\super\chftn}{\footnote\pard\plain{\super\chftn} Estimated.} on this date.", None),
        (r"thirty-four minutes {\footnote Estimated.}", None),
        (r"{\f3\'a3}39 minutes", None),
        (r"{\f3 \'b3}30 minutes", None),
        (r"{\f3 \'bb 30} minutes", None),
        (r"\f3\'b3\f0 30 minutes", None),
        (r"\f3\'b3\plain 30 minutes", None),
        (r"{\f6\'b3} 30 minutes", None),
        (r"{\f5\'b3} 30 minutes", None),
        (r"{\f3\u-3933?}39 minutes", None),
        (r"{\f3\u-3933\'a3}39 minutes", None),
        (r"{\f3\uc0\u-3933}39 minutes", None),
        (r"\u-3933?39 minutes", None),
        (r"{\loch\af3\hich\af3\dbch\af0\f3 \'b3}30 minutes", None),
        (r"{\hich\af3\loch\f0 \'b3}30 minutes", None),
        (r'{\field{\*\fldinst SYMBOL 163 \\f "Symbol" \\s 12}{\fldrslt}}39 minutes', None),
        (r'{\field{\*\fldinst SYMBOL 0xB3 \\f "Symbol"}{\fldrslt\f3\'b3}}39 minutes', None),
        (r"{\field{\*\fldinst FORMDROPDOWN{\*\formfield{\fftype2\ffres1{\*\ffl 30}}}}{\fldrslt}} minutes", None),
        (r"3{\rtlch\fcs1 \af0 \ltrch\fcs0 \insrsid123 4} minutes", 34),
        (r"34{\field{\*\fldinst NOTEREF _Ref1 \\h}{\fldrslt 1}} minutes", None),
        (r"34{\cs15 1} minutes", None),
        (r"34{\fs10 1} minutes", None),
        (r"34\charscalex50 1 minutes", None),
        (r"34{\*\xe 9}1 minutes", None),
        (r"3{\object 5}4 minutes", None),
        (r"3\line 4 minutes", None),
        (r"3\cell 4 minutes", None),
    ],
)
def test_a_number_of_a_rich_text_is_never_joined_with_what_is_no_part_of_it(body: str, minutes: int | None) -> None:
    found = facts(visit(), note(rich(f"Total time: {body}"), "text/rtf")).total_minutes
    assert found.value == minutes
    assert minutes or "which is no exact statement" in (found.why_unknown or "")


def box(label: str, stands: str) -> str:
    told = rf"{{\*\formfield{{\fftype1{stands}{{\*\ffname Check1}}}}}}"
    return rf"{{\field{{\*\fldinst {{FORMCHECKBOX}}{told}}}{{\fldrslt}}}} {label} "


@pytest.mark.parametrize(
    ("body", "mode"),
    [
        (r"{\f4\'fe} Video visit {\f4\'a8} Telephone visit", Modality.AUDIO_VIDEO),
        (r"{\f4 o} Video visit {\f4 x} Telephone visit", Modality.AUDIO_ONLY),
        (r"{\f4\u-3928?} Video visit {\f4\u-3842?} Telephone visit", Modality.AUDIO_ONLY),
        (r"{\f7 R} Video visit {\f7\'a3} Telephone visit", Modality.AUDIO_VIDEO),
        (box("Video visit", r"\ffres1\ffdefres0") + box("Telephone visit", r"\ffres0"), Modality.AUDIO_VIDEO),
        (
            box("Video visit", r"\ffres25\ffdefres0") + box("Telephone visit", r"\ffres25\ffdefres1"),
            Modality.AUDIO_ONLY,
        ),
        (box("Video visit", r"\ffdefres1") + box("Telephone visit", ""), Modality.AUDIO_VIDEO),
        (box("Video visit", "") + box("Telephone visit", ""), None),  # nobody tells how they stand
    ],
)
def test_the_ticked_box_of_a_rich_text_is_the_one_that_counts(body: str, mode: Modality | None) -> None:
    assert facts(visit(), note(rich(body), "text/rtf")).modality.value is mode


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (r"home O{\sub 2}, 21{\super st}", "home O2, 21st\n"),
        (r"Plan{\footnote See below.}: rest", "Plan: rest\n\nFootnote: See below."),
        (r"34 min{\footnote {\b More} or less.}", "34 min^\n\nFootnote: More or less."),
        (r"{\v 34 min{\footnote hidden}}", "\n"),
        (r"{\listtext\f4\'76\tab}rest caf\'e9", "\u2022\trest caf\xe9\n"),
        (r"{\f4\'76\'6b} rest", "\u2022\ufffd rest\n"),
        (r"\uc2{\f3\'a3}\u8804 <=5", "\u2264\u22645\n"),
        (r"{\f3 a, b}", "\u03b1, \u03b2\n"),
    ],
)
def test_a_rich_text_is_read_as_it_is_drawn(body: str, said: str) -> None:
    assert from_rtf(rich(body)) == said


@pytest.mark.parametrize(
    "markup", [r"{\rtf1 \uc text}", r"{\rtf1 \u9999999999 }", r"{\rtf1\super \u1114112 }", r"{\rtf1 \pict\bin\super }"]
)
def test_a_rich_text_that_is_broken_is_named(markup: str) -> None:
    assert "DocumentReference/d1: its text is broken; not read" in facts(visit(), note(markup, "text/rtf")).notes


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        (r"\super 1\super0 34 minutes", "1^34 minutes"),
        (r"{\rtf1 a{\footnote b", "a\nFootnote: b"),
        (r"{\rtf1 a}}}\super x", "a"),
    ],
)
def test_a_rich_text_whose_groups_do_not_close_is_read_to_its_end(markup: str, said: str) -> None:
    assert from_rtf(markup) == said


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("home O<sub>2</sub> use", "home O2 use"),
        ("21<sup>st</sup> of May", "21st of May"),
        ("telehealth<sup>1</sup> visit", "telehealth^1 visit"),
        ("<a href='#plan'>Plan</a>ned", "Planned"),
        (
            "<span style='font-family:Symbol'>&middot;<span style='font:7pt \"Times New Roman\"'>&nbsp;</span></span>x",
            "\u2022\xa0x",
        ),
        (
            "<font face='Wingdings'>&thorn;</font> Video <font face='Wingdings'>o</font> Phone",
            "\u2611 Video \u2610 Phone",
        ),
        ("<font face='Wingdings'>k</font> Video", "\ufffd Video"),
    ],
)
def test_words_on_a_page_are_read_as_they_are_drawn(markup: str, said: str) -> None:
    assert from_html(markup) == said


def test_markup_that_is_nested_without_end_is_named_and_not_read() -> None:
    markup = "<div>" * 255 + SAID
    assert "DocumentReference/d1: its text is broken; not read" in facts(visit(), note(markup, "text/html")).notes
    told = facts(visit(), composition(section=[{"text": {"div": markup}}])).notes
    assert "Composition/n1: its text is broken; not read" in told


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("<b>Time: </b><div>34</div>", "Time: 34\n"),  # the blank parts them already
        ("<b>Time</b><div>34</div>", "Time\n34\n"),
        ("<input type=hidden>Time<input><div>34</div>", "Time\n34\n"),
        ("Time<br>34<hr>", "Time\n34\n"),
    ],
)
def test_a_block_begins_a_line_where_nothing_parts_it_from_the_words_before(markup: str, said: str) -> None:
    assert from_html(markup) == said


@pytest.mark.parametrize("markup", ["", "  ", "<!-- nothing -->", "<p></p>"])
def test_a_page_without_words_says_nothing(markup: str) -> None:
    assert not facts(visit(), composition(section=[{"text": {"div": markup}}])).total_minutes.known


def test_a_note_without_a_visit_and_a_time_zone_is_of_its_day_as_written() -> None:
    loose = note("Total time 34 minutes.", context=None, date="2026-11-23T23:59:00")
    found = facts(visit(), loose)
    assert found.total_minutes.value == 34
    assert "DocumentReference/d1.date has a time without a time zone; the day is taken as written" in found.notes
    assert facts(visit(), loose | {"date": "2026-11-24T00:00:00"}).total_minutes.value is None


LONG = "Doing well and taking the tablets. " * 6_000


def test_a_note_that_is_read_in_part_is_named_and_says_no_more_than_what_was_read() -> None:
    found = facts(visit(), note(f"{SAID}\n{LONG}Visit conducted by telephone."))
    assert (
        "DocumentReference/d1 is too long to be read whole: only its first 200,000 characters were read" in found.notes
    )
    assert found.total_minutes.value == 34
    assert found.consent_documented.why_unknown == "no note says it as far as it was read"
    assert found.mdm.why_unknown
    assert found.mdm.why_unknown.endswith("nor does a note as far as it was read")


def test_a_note_that_was_sent_longer_than_it_is_decoded_is_named_too() -> None:
    hidden = rf"{{\rtf1 {SAID}{{\*\picture {'0' * 2_097_152}}} MDM: low.}}"
    found = facts(visit(), note(hidden, "text/rtf"))
    assert found.total_minutes.value == 34
    assert any("is too long to be read whole" in said for said in found.notes)


@pytest.mark.parametrize("before", ["", " "])
def test_a_note_that_is_cut_within_a_letter_keeps_its_encoding(before: str) -> None:
    whole = facts(visit(), note(f"{before}Señora, {SAID}\n" + "ñ" * 1_100_000)).total_minutes
    assert whole.evidence[0].said == f"Señora, {SAID}"


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "undefined", "rot13", "zip", "no-such"])
def test_an_encoding_that_no_text_is_written_in_is_taken_for_the_usual_one(charset: str) -> None:
    found = facts(visit(), note(f"Señora, {SAID}".encode("cp1252"), f"text/plain; charset={charset}")).total_minutes
    assert found.evidence[0].said == f"Señora, {SAID}"


DENSE = "Walking 30 minutes a day, exercise 20 min each time, and slept 10 minutes. " * 2_600
NEWEST = "2026-11-23T20:00:00-05:00"


@pytest.mark.parametrize(
    ("signed", "members", "first"),
    [
        (None, {"date": NEWEST}, True),
        (None, {"docStatus": "preliminary"}, True),
        ("last", {"date": "2026-11-23T08:00:00-05:00"}, True),
        (None, {"date": "2026-11-23T08:00:00-05:00"}, False),
    ],
)
def test_the_signed_note_a_draft_and_the_newest_are_read_before_the_others(
    signed: str | None, members: Json, *, first: bool
) -> None:
    others = [note(f"{number} {DENSE}", own=f"d{number}", date="2026-11-23T12:00:00-05:00") for number in range(3)]
    found = read(visit(), *others, note(SAID, own="last", **members), signed=signed).facts
    assert (found.total_minutes.value == 34) is first
    unread = "is too long to be read whole: nothing of it was read"
    assert (f"DocumentReference/last {unread}" in found.notes) is not first
    assert f"DocumentReference/d2 {unread}" in found.notes


def test_many_notes_that_say_one_thing_are_a_few_witnesses_and_many_that_differ_a_contradiction() -> None:
    agreed = facts(visit(), *(note(f"{number}. {SAID}", own=f"d{number}") for number in range(100))).total_minutes
    assert (agreed.value, len(agreed.evidence)) == (34, 5)
    every = [note(f"Total time: {number} minutes.", own=f"d{number}") for number in range(1, 101)]
    differing = facts(visit(), *every).total_minutes
    assert (differing.value, len({rival.value for rival in differing.conflict})) == (None, 10)
    vague = facts(
        visit(), *(note(f"{number}. About {number + 20} minutes in total.", own=f"d{number}") for number in range(50))
    )
    assert len(vague.total_minutes.why_unknown or "") < 1_000


def test_many_records_that_say_one_thing_are_no_more_evidence_than_is_read() -> None:
    same = [minutes("total-time", 34, id=f"o{number}") for number in range(100)]
    assert len(facts(visit(), *same).total_minutes.evidence) == 20
    other = minutes("total-time", 43, id="o-last")
    differing = facts(visit(), *same, other).total_minutes
    assert {rival.value for rival in differing.conflict} == {34, 43}
    assert len(differing.conflict) == 20
    overruled = facts(visit(), minutes("total-time", 43), *(note(f"{n}. {SAID}", own=f"d{n}") for n in range(30)))
    assert len(overruled.total_minutes.notes) <= 21


@given(
    pieces=st.lists(
        st.sampled_from(
            ["{", "}", "\\u", "\\uc", "\\'", "\\f", "\\ansicpg", "\\pict", "\\bin", "\\fonttbl", "\\fcharset"]
        )
        | st.sampled_from(["\\strike", "\\v0", "\\*", ";", " ", "-", "é", "text"])
        | st.integers(-(10**11), 10**11).map(str),
        max_size=15,
    )
)
def test_whatever_is_sent_as_rich_text_is_read_or_broken(pieces: list[str]) -> None:
    found = facts(visit(), note("{\\rtf1 " + "".join(pieces) + "}", "text/rtf"))
    whys = ("its text is broken", "it has no text")
    assert found.notes in {(), *((f"DocumentReference/d1: {why}; not read",) for why in whys)}


@pytest.mark.parametrize(("count", "is_read"), [(1_000, True), (12_000, False)])
def test_a_composition_of_more_sections_than_anybody_writes_is_named_as_unread(count: int, *, is_read: bool) -> None:
    sections = [{"title": "Time", "text": {"div": f"<div>{SAID}</div>"}}] * count
    found = facts(visit(), composition(section=sections))
    assert found.total_minutes.known is is_read
    assert ("Composition/n1: the notes together are too long; not read" in found.notes) is not is_read


@pytest.mark.parametrize(("groups", "is_read"), [(30_000, True), (300_000, False)])
def test_rich_text_of_more_commands_than_any_note_has_is_named_as_unread(groups: int, *, is_read: bool) -> None:
    found = facts(visit(), note(rf"{{\rtf1 {SAID}" + "{}" * groups + "}", "text/rtf"))
    assert found.total_minutes.known is is_read
    assert ("DocumentReference/d1: the notes together are too long; not read" in found.notes) is not is_read
