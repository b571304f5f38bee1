"""The tables of the vocabulary: a slip of the pen stops the start, and a site adds its own codes with one file."""

import re
from pathlib import Path
from typing import Any

import pytest

import fhir_mapping
from fhir_mapping.facts import Modality
from fhir_mapping.gather import gather
from fhir_mapping.tables import TableError, config_folder
from fhir_mapping.vocabulary import Vocabulary, load_vocabulary
from tests.mapping.charts import concept, coverage, minutes, note_rules, visit

SHIPPED = config_folder() / "vocabulary"
SOURCES = "sources: [{title: T, publisher: P, locator: L, retrieved: 2026-11-23}]\n"


def load(folder: Path, written: str, *, sources: str = SOURCES) -> Vocabulary:
    (folder / "own.yaml").write_text(sources + written, encoding="utf-8")
    return load_vocabulary(folder)


@pytest.mark.parametrize(
    ("written", "line", "why"),
    [
        ('codes: {mood: {x: {good: ["1"]}}}\nsystems: {x: {}}', 2, "there is no topic mood"),
        ('systems: {x: {}}\ncodes: {modality: {x: {hologram: ["1"]}}}', 3, "modality has no word hologram"),
        ("systems: {x: {}}\nphrases: {modality: {hologram: [holo]}}", 3, "modality has no word hologram"),
        ("phrases: {payer_sign: {suplement: [medigap]}}", 2, "payer_sign has no word suplement"),
        ('systems: {x: {}}\ncodes: {not_ours: {x: {inpatent: ["1"]}}}', 3, "not_ours has no word inpatent"),
        ('codes: {modality: {x: {audio_only: ["1"]}}}', 2, "nobody says which code system x is"),
        ("systems: {x: {}}\ncodes: {modality: {x: {audio_only: [1]}}}", 3, "must be quoted"),
        ("systems: {x: {pattern: '('}}", 2, "the pattern is broken"),
        ("systems: {x: {pattern: '/(?P<own>x)'}}", 2, "may hold no named group"),
        (
            'systems: {x: {}}\ncodes:\n  modality:\n    x: {audio_only: ["1"]}\n    x: {in_person: ["1"]}',
            6,
            "stands twice",
        ),
        (
            'systems: {x: {}}\ncodes:\n  modality:\n    x:\n      audio_only: ["1"]\n      in_person: ["1"]',
            7,
            "1 means both audio_only and in_person",
        ),
        ("colours: {}", 2, "Extra inputs are not permitted"),
    ],
)
def test_a_slip_of_the_pen_is_reported_with_file_and_line(tmp_path: Path, written: str, line: int, why: str) -> None:
    with pytest.raises(TableError) as caught:
        load(tmp_path, written)
    assert caught.value.file.endswith("own.yaml")
    assert caught.value.line == line
    assert why in caught.value.message


def test_a_table_without_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="must say its sources"):
        load(tmp_path, "systems: {}", sources="")


def test_a_folder_without_tables_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no tables of the vocabulary here"):
        load_vocabulary(tmp_path)


def test_a_site_adds_its_own_codes_and_payers_with_one_file(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(
        "systems:\n"
        "  our-visits: {urls: ['urn:oid:1.2.3']}\n"
        "  our-payers: {urls: ['urn:oid:4.5.6']}\n"
        "codes:\n"
        "  modality:\n"
        '    our-visits: {audio_video: ["4711"]}\n'
        '    snomed: {virtual: ["185317003"]}\n'
        "  payer:\n"
        '    our-payers: {bcbs-michigan: ["00210"]}\n'
        '    plan: {aetna: ["GOLD"]}\n'
        "phrases: {modality: {audio_video: [Sprechstunde per Video]}}\n",
        encoding="utf-8",
    )
    own = load_vocabulary(SHIPPED, site=tmp_path)
    assert own.word("modality", "urn:oid:1.2.3", "4711") == Modality.AUDIO_VIDEO
    assert own.word("modality", "http://snomed.info/sct", "453131000124105") == Modality.AUDIO_VIDEO
    assert own.word("modality", "http://snomed.info/sct", "185317003") == "virtual"
    assert own.phrases("modality", "Sprechstunde (per Video)") == {"audio_video", "names_video"}

    def paid_by(**members: Any) -> tuple[str, ...] | None:
        chart = [visit(), coverage("59", **members)]
        found = gather(chart, patient_id="p1", encounter_id="e1", user=None, vocabulary=own, note_rules=note_rules())
        return found.facts.payers.value

    payor = {"reference": "#o", "identifier": {"system": "urn:oid:4.5.6", "value": "00210"}}
    assert paid_by(payor=[payor]) == ("bcbs-michigan",)
    assert paid_by(**{"class": [{"value": "GOLD"}]}) == ("aetna",)
    assert paid_by() == ("commercial",)


def test_the_base_of_a_site_is_put_into_its_addresses() -> None:
    own = load_vocabulary(SHIPPED, base="https://codes.example/telecode/")
    assert own.system("https://codes.example/telecode/CodeSystem/mdm-level") == "mdm-level"
    assert own.extension("https://codes.example/telecode/StructureDefinition/em-total-time") == "total_minutes"


def test_an_exact_code_goes_before_the_longest_beginning(tmp_path: Path) -> None:
    own = load(tmp_path, 'systems: {x: {}}\ncodes: {payer: {x: {a: ["1*"], b: ["12*"], c: ["123"]}}}')
    assert [own.term("payer", "x", code) for code in ("1", "12", "123", "1234", "2", "")] == [
        "a",
        "b",
        "c",
        "b",
        None,
        None,
    ]


def test_a_phrase_is_whole_words_and_one_with_an_equals_sign_is_the_whole_text(tmp_path: Path) -> None:
    own = load(tmp_path, "phrases: {modality: {audio_only: [phone], audio_video: ['=video']}}")
    assert own.phrases("modality", "by PHONE, today") == {"audio_only"}
    assert own.phrases("modality", "microphone") == frozenset()
    assert own.phrases("modality", "Video") == {"audio_video"}
    assert own.phrases("modality", "video EEG") == frozenset()


def test_an_address_is_known_with_and_without_tls() -> None:
    own = load_vocabulary(SHIPPED)
    assert own.system("https://snomed.info/sct/") == own.system("http://snomed.info/sct") == "snomed"
    assert own.system("http://example.org/other") == ""


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("http://snomed.info/sct|http://snomed.info/sct/731000124108/version/20240301", "snomed"),
        ("http://snomed.info/sct/731000124108/version/20240301", "snomed"),
        ("HTTP://SNOMED.INFO/SCT", "snomed"),
        (" http://loinc.org/ ", "loinc"),
        ("2.16.840.1.113883.6.12", "cpt"),
        ("urn:OID:2.16.840.1.113883.6.12", "cpt"),
        ("http://www.ama-assn.org/go/cpt|2026", "cpt"),
        ("http://ama-assn.org/go/cpt", "cpt"),
        ("https://terminology.hl7.org/CodeSystem-v3-RoleCode.html#v3-RoleCode-PTRES", "role"),
        ("http://hl7.org/fhir/v3/RoleCode", "role"),
        ("http://terminology.hl7.org/ValueSet/v2-0004", "patient-class"),
        ("http://hl7.org/fhir/v2/0004", "patient-class"),
        ("https://FHIR.cerner.com/0/codeSet/71|1", "oracle-visit-type"),
        ("1.2.840.114350.1.13.999.2.7.10.698084.30", "epic-encounter-type"),
        ("http://snomed.info/sctx", ""),
        ("http://example.org/http://snomed.info/sct", ""),
        ("2.16.840.1.113883.6.1234", ""),
        ("|", ""),
        ("", ""),
    ],
)
def test_a_code_system_is_known_in_every_spelling_of_its_address(written: str, name: str) -> None:
    assert load_vocabulary(SHIPPED).system(written) == name


def test_of_what_a_chart_codes_only_the_codes_of_a_topic_are_read(tmp_path: Path) -> None:
    systems = 'systems: {x: {urls: ["http://x.example"]}, y: {urls: ["http://y.example"]}}\n'
    own = load(tmp_path, systems + 'codes: {modality: {x: {audio_only: ["1", "T*"]}, y: {in_person: ["2"]}}}')
    said = [
        {
            "coding": [
                {"system": "http://x.example", "code": code} for code in ("1", 1, " 1 ", "T7", "T", "2", "", None)
            ]
        },
        {"concept": {"coding": [{"system": "https://y.example/", "code": "2", "display": "here"}]}},
        {"system": "http://z.example", "code": "1"},
        {"display": "T"},
    ]
    assert [(word, one.code) for word, one in own.words("modality", said)] == [
        *[("audio_only", code) for code in ("1", "1", "1", "T7", "T")],
        ("in_person", "2"),
    ]
    assert own.words("diagnosis", said) == []
    assert own.words("modality", "1") == []


def test_no_code_stands_in_python() -> None:
    codes = re.compile(r"""\b9\d{4}\b|\bG\d{4}\b|\b\d{6,}\b|\d{4}[A-Z]\d{4}X|https?://\w|urn:oid|["'][0-9]{2}["']""")
    for path in sorted(Path(fhir_mapping.__file__).parent.glob("*.py")):
        if path.stem != "tables":
            found = [line for line in path.read_text(encoding="utf-8").splitlines() if codes.search(line)]
            assert [line for line in found if "base: str" not in line] == [], path.name


def test_minutes_are_read_by_the_shipped_tables() -> None:
    own = load_vocabulary(SHIPPED)
    chart = [visit(type=[concept("http://snomed.info/sct", "185317003")]), minutes("total-time", 34)]
    found = gather(chart, patient_id="p1", encounter_id="e1", user=None, vocabulary=own, note_rules=note_rules()).facts
    assert (found.modality.value, found.total_minutes.value) == (Modality.AUDIO_ONLY, 34)
