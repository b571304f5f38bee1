"""Two hundred bodies that an attacker or a broken client sends, by name."""

import copy
import gzip
import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Change = Callable[[Json], None]
OUTCOME: Json = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
CPT = "http://www.ama-assn.org/go/cpt"

NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "blanks alone": b" \n\t ",
    "words": b"hook=patient-view",
    "cut off": b'{"hook": "patient-vi',
    "cut off after a key": b'{"hook"',
    "cut off after a colon": b'{"hook":',
    "an opening brace": b"{",
    "a closing brace": b"}",
    "a brace too many": b'{"hook": "x"}}',
    "two objects": b'{"hook": "x"}{"hook": "y"}',
    "an object and words": b'{"hook": "x"} and more',
    "an array": b"[]",
    "an array of objects": b'[{"hook": "x"}]',
    "null": b"null",
    "true": b"true",
    "a number": b"7",
    "a string": b'"{}"',
    "NaN": b'{"service_date": "2026-11-23", "total_minutes": NaN}',
    "Infinity": b'{"service_date": "2026-11-23", "total_minutes": Infinity}',
    "minus Infinity": b'{"service_date": "2026-11-23", "total_minutes": -Infinity}',
    "a number too big for a float": b'{"service_date": "2026-11-23", "total_minutes": 1e999}',
    "a number below any float": b'{"service_date": "2026-11-23", "total_minutes": -1e999}',
    "a leading zero": b'{"total_minutes": 034}',
    "a plus sign": b'{"total_minutes": +34}',
    "a minus alone": b'{"total_minutes": -}',
    "a dot without digits": b'{"total_minutes": 34.}',
    "digits without a whole": b'{"total_minutes": .34}',
    "a hexadecimal number": b'{"total_minutes": 0x22}',
    "an exponent without digits": b'{"total_minutes": 3e}',
    "a key twice": b'{"service_date": "2026-11-23", "total_minutes": 10, "total_minutes": 40}',
    "a key twice, once escaped": b'{"service_date": "2026-11-23", "mdm": "low", "\\u006ddm": "high"}',
    "a key twice, spaced": b'{"service_date" : "2026-11-23", "mdm" : "low", "mdm"\n: "high"}',
    "a key twice, deep inside": b'{"prefetch": {"encounter": {"period": {"start": "a", "start": "b"}}}}',
    "a key twice, in a list": b'{"prefetch": [{"a": 1, "a": 2}]}',
    "the hook twice": b'{"hook": "patient-view", "hook": "order-sign"}',
    "a key without quotes": b'{hook: "x"}',
    "a key in single quotes": b"{'hook': 'x'}",
    "a key that is a number": b'{1: "x"}',
    "no colon": b'{"hook" "x"}',
    "no comma": b'{"hook": "x" "a": 1}',
    "a trailing comma": b'{"hook": "patient-view",}',
    "a trailing comma in a list": b'{"a": [1, 2,]}',
    "a leading comma": b'{, "hook": "x"}',
    "a comment": b'{"hook": "patient-view"} // sign',
    "a comment inside": b'{"hook": /* which */ "patient-view"}',
    "a comment of a shell": b'# sign\n{"hook": "patient-view"}',
    "a line break in a string": b'{"hook": "patient\nview"}',
    "a tab in a string": b'{"hook": "patient\tview"}',
    "a null byte in a string": b'{"hook": "patient\x00view"}',
    "a null byte at the end": b'{"hook": "patient-view"}\x00',
    "an escape that is none": b'{"hook": "\\x41"}',
    "an escape cut off": b'{"hook": "\\u12"}',
    "a lone surrogate": b'{"hook": "\\ud800"}',
    "a lone low surrogate": b'{"hook": "\\udc00"}',
    "surrogates the wrong way round": b'{"hook": "\\udc00\\ud800"}',
    "a surrogate in a key": b'{"\\ud800": 1}',
    "not UTF-8": b'{"hook": "\xff"}',
    "UTF-8 cut off": b'{"hook": "\xe2\x82"}',
    "UTF-8 longer than need be": b'{"hook": "\xc0\x80"}',
    "a surrogate in UTF-8": b'{"hook": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"hook": "\xf4\x90\x80\x80"}',
    "Latin-1": '{"hook": "é"}'.encode("latin-1"),
    "UTF-16": '{"hook": "patient-view"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"hook": "patient-view"}'.encode("utf-16-be"),
    "UTF-32": '{"hook": "patient-view"}'.encode("utf-32"),
    "a mark of byte order alone": b"\xef\xbb\xbf",
    "two marks of byte order": b'\xef\xbb\xbf\xef\xbb\xbf{"hook": "x"}',
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "YAML": b"hook: patient-view\ncontext: {}\n",
    "a form": b"hook=patient-view&context%5BpatientId%5D=1",
    "a multipart form": b'--x\r\nContent-Disposition: form-data; name="hook"\r\n\r\npatient-view\r\n--x--\r\n',
    "gzip": gzip.compress(b'{"hook": "x"}'),
    "JSON lines": b'{"hook": "x"}\n{"hook": "y"}\n',
    "deep arrays": b'{"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    "very deep arrays": b"[" * 100_000,
    "deep objects": b'{"a": ' * 400 + b"1" + b"}" * 400,
    "65 levels": b'{"a": ' * 65 + b"1" + b"}" * 65,
    "65 levels in a list of good ones": b'{"b": [{}, {}, ' + b'{"a": ' * 63 + b"1" + b"}" * 63 + b"]}",
}
"""Refused with 400 at every door."""

TOO_BIG: dict[str, bytes] = {
    "ten megabytes": b'{"a": "' + b"x" * 10_000_000 + b'"}',
    "ten megabytes of blanks": b" " * 10_000_000,
    "ten megabytes of brackets": b"[" * 10_000_000,
    "one byte too many": b'{"a": "' + b"x" * (5 * 1024 * 1024 - 8) + b'"}',
}
"""Refused with 413 at every door."""

SENSELESS: dict[str, bytes] = {
    "an empty object": b"{}",
    "an empty key": b'{"": ""}',
    "a key of the language": b'{"__proto__": {"hook": "x"}, "constructor": 1, "__class__": "x"}',
    "a hundred thousand keys": json.dumps({str(number): number for number in range(100_000)}).encode(),
    "a hundred thousand items": json.dumps({"a": list(range(100_000))}).encode(),
    "a long key": json.dumps({"k" * 1_000_000: 1}).encode(),
    "a long number": b'{"a": ' + b"9" * 4_000 + b"}",
    "a long fraction": b'{"a": 0.' + b"9" * 4_000 + b"}",
    "64 levels": b'{"a": ' * 64 + b"1" + b"}" * 64,
    "a template in a string": b'{"hook": "{{7*7}}${7*7}#{7*7}<%= 7*7 %>"}',
    "SQL in a string": b'{"hook": "\'; DROP TABLE card; --"}',
    "a line for the log": b'{"hook": "x\\r\\n2026-11-23 INFO forged"}',
}
"""JSON, and refused with 400 for what it lacks or holds."""


def without(*path: str | int) -> Change:
    """Take a member out."""

    def change(body: Json) -> None:
        place: Any = body
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]

    return change


def put(value: object, *path: str | int) -> Change:
    """Put a value in, in place of what stands there."""

    def change(body: Json) -> None:
        place: Any = body
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = copy.deepcopy(value)

    return change


PATIENT, VISIT, USER = ("context", "patientId"), ("context", "encounterId"), ("context", "userId")
ENCOUNTER = ("prefetch", "encounter")
OBSERVED = ("prefetch", "observations", "entry", 0, "resource")
COVERED = ("prefetch", "coverage", "entry", 0, "resource")

REFUSED: dict[str, tuple[Change, int, str]] = {
    "no hook": (without("hook"), 400, "hook"),
    "a blank hook": (put("", "hook"), 400, "hook"),
    "the hook of another service": (put("patient-view", "hook"), 400, "hook"),
    "a hook that is a number": (put(7, "hook"), 400, "hook"),
    "a hook that is a list": (put(["patient-view"], "hook"), 400, "hook"),
    "a hook in another case": (put("ORG.EXAMPLE.TELECODE.NOTE-SIGN", "hook"), 400, "hook"),
    "a hook with a blank behind it": (put("org.example.telecode.note-sign ", "hook"), 400, "hook"),
    "no hookInstance": (without("hookInstance"), 400, "hookInstance"),
    "a hookInstance that is no UUID": (put("1", "hookInstance"), 400, "hookInstance"),
    "a hookInstance in braces": (put("{5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11}", "hookInstance"), 400, "hookInstance"),
    "a hookInstance with an address": (
        put("urn:uuid:5b0c2b86-6c1e-4e6a-9d5b-0d0b6a3d7f11", "hookInstance"),
        400,
        "hookInstance",
    ),
    "a hookInstance without dashes": (put("5b0c2b866c1e4e6a9d5b0d0b6a3d7f11", "hookInstance"), 400, "hookInstance"),
    "a hookInstance that is a number": (put(7, "hookInstance"), 400, "hookInstance"),
    "a null hookInstance": (put(None, "hookInstance"), 400, "hookInstance"),
    "no context": (without("context"), 400, "context"),
    "a context that is a list": (put([], "context"), 400, "context"),
    "a context that is a string": (put("p-100", "context"), 400, "context"),
    "a null context": (put(None, "context"), 400, "context"),
    "no patient": (without(*PATIENT), 400, "context.patientId"),
    "a null patient": (put(None, *PATIENT), 400, "context.patientId"),
    "a patient that is a number": (put(100, *PATIENT), 400, "context.patientId"),
    "a patient that is an object": (put({"id": "p-100"}, *PATIENT), 400, "context.patientId"),
    "a patient that is a reference to a visit": (put("Encounter/p-100", *PATIENT), 400, "context.patientId"),
    "a patient that is the folder above": (put("Patient/..", *PATIENT), 400, "context.patientId"),
    "a patient id that reaches into a URL": (put("p/../../x", *PATIENT), 400, "context.patientId"),
    "a patient id that adds a parameter": (put("p&_count=9999", *PATIENT), 400, "context.patientId"),
    "a patient id that ends a line": (put("p\r\nHost: evil", *PATIENT), 400, "context.patientId"),
    "a patient id in percent signs": (put("%2e%2e%2f", *PATIENT), 400, "context.patientId"),
    "a patient id of 257 letters": (put("p" * 257, *PATIENT), 400, "context.patientId"),
    "a patient id beyond ASCII": (put("p\u0430tient", *PATIENT), 400, "context.patientId"),
    "no encounter": (without(*VISIT), 400, "context.encounterId"),
    "a null encounter": (put(None, *VISIT), 400, "context.encounterId"),
    "an encounter that is a reference to a patient": (put("Patient/e-100", *VISIT), 400, "context.encounterId"),
    "an encounter that is a search": (put("Encounter?identifier=e-100", *VISIT), 400, "context.encounterId"),
    "a blank encounter": (put("", *VISIT), 400, "context.encounterId"),
    "an encounter that is a list": (put(["e-100"], *VISIT), 400, "context.encounterId"),
    "a note that is a reference to a composition": (
        put("Composition/n1", "context", "documentReferenceId"),
        400,
        "context.documentReferenceId",
    ),
    "no user": (without(*USER), 400, "context.userId"),
    "a null user": (put(None, *USER), 400, "context.userId"),
    "a blank user": (put(" ", *USER), 400, "context.userId"),
    "a user that is a list": (put([], *USER), 400, "context.userId"),
    "a user that is an id alone": (put("dr-lind", *USER), 400, "context.userId"),
    "a user that climbs": (put("Practitioner/../../admin", *USER), 400, "context.userId"),
    "a draft note that is a string": (put("note", "context", "draftNote"), 400, "context.draftNote"),
    "draft charges that are a list": (put([], "context", "draftCharges"), 400, "context.draftCharges"),
    "a prefetch that is a list": (put([], "prefetch"), 400, "prefetch"),
    "a prefetch that is a string": (put("encounter", "prefetch"), 400, "prefetch"),
    "a server that is a number": (put(7, "fhirServer"), 400, "fhirServer"),
    "a server of no scheme": (put("fhir.example/r4", "fhirServer"), 400, "fhirServer"),
    "a server that is a file": (put("file:///etc/passwd", "fhirServer"), 400, "fhirServer"),
    "a server that is a script": (put("javascript:alert(1)", "fhirServer"), 400, "fhirServer"),
    "a token without a server": (put({"access_token": "t"}, "fhirAuthorization"), 400, "fhirServer"),
    "another patient's encounter": (put({"reference": "Patient/p-2"}, *ENCOUNTER, "subject"), 400, "prefetch"),
    "no Encounter anywhere": (without(*ENCOUNTER), 412, "prefetch"),
    "an Encounter that is null": (put(None, *ENCOUNTER), 412, "prefetch"),
    "an Encounter that is a number": (put(7, *ENCOUNTER), 412, "prefetch"),
    "an Encounter that is a string": (put("Encounter/e-100", *ENCOUNTER), 412, "prefetch"),
    "an Encounter that is a list": (put([], *ENCOUNTER), 412, "prefetch"),
    "an Encounter that is an empty object": (put({}, *ENCOUNTER), 412, "prefetch"),
    "an Encounter of another type": (put("Patient", *ENCOUNTER, "resourceType"), 412, "prefetch"),
    "an Encounter of a type that is a number": (put(7, *ENCOUNTER, "resourceType"), 412, "prefetch"),
    "an Encounter the EHR could not read": (put(OUTCOME, *ENCOUNTER), 412, "prefetch"),
    "an Encounter in an empty Bundle": (put({"resourceType": "Bundle", "entry": []}, *ENCOUNTER), 412, "prefetch"),
}
"""A good request changed for the worse: the status, and where the fault is said to lie."""

GRANTED: dict[str, object] = {
    "a token that is a list": [],
    "a token that is nothing": {},
    "a token that is blank": {"access_token": ""},
    "a token that is a number": {"access_token": 7},
    "a token that ends a line": {"access_token": "t\r\nX-Evil: 1"},
    "a token beyond ASCII": {"access_token": "tökèn"},
    "a token of another kind": {"access_token": "t", "token_type": "Basic"},
}
"""What is granted besides a server, and refused with 400."""

BORNE: dict[str, Change] = {
    "an encounter id that is a number": put(100, *ENCOUNTER, "id"),
    "a class that is null": put(None, *ENCOUNTER, "class"),
    "a class that is a string": put("VR", *ENCOUNTER, "class"),
    "a class of numbers": put([7, {"coding": 7}], *ENCOUNTER, "class"),
    "a status that is a list": put(["finished"], *ENCOUNTER, "status"),
    "a status that nobody knows": put("banana", *ENCOUNTER, "status"),
    "a period that is a string": put("2026-11-20", *ENCOUNTER, "period"),
    "a period that ends before it starts": put(
        {"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T14:00:00Z"}, *ENCOUNTER, "period"
    ),
    "a start that is a number": put(20261120, *ENCOUNTER, "period", "start"),
    "a start of no calendar": put("2026-02-30T10:00:00Z", *ENCOUNTER, "period", "start"),
    "a start of the year 9999": put("9999-12-31T23:59:59Z", *ENCOUNTER, "period", "start"),
    "a start of the year 0": put("0000-01-01T00:00:00Z", *ENCOUNTER, "period", "start"),
    "a start in digits of another script": put("\uff12\uff10\uff12\uff16-11-20", *ENCOUNTER, "period", "start"),
    "a start with an offset of 99 hours": put("2026-11-20T10:00:00+99:00", *ENCOUNTER, "period", "start"),
    "a subject that is a string": put("Patient/p-100", *ENCOUNTER, "subject"),
    "participants that are null": put([None], *ENCOUNTER, "participant"),
    "an extension that is an object": put({"url": "x"}, *ENCOUNTER, "extension"),
    "an extension without an address": put([{"valueString": "x"}], *ENCOUNTER, "extension"),
    "ten thousand extensions": put([{"url": "urn:x"}] * 10_000, *ENCOUNTER, "extension"),
    "contained resources of no type": put([{}, {"id": "home"}, 7], *ENCOUNTER, "contained"),
    "a contained resource of an unknown type": put(
        [{"resourceType": "Spaceship", "id": "home"}], *ENCOUNTER, "contained"
    ),
    "a location that is itself": put([{"location": {"reference": "Encounter/e-100"}}], *ENCOUNTER, "location"),
    "a reference that is an object": put([{"location": {"reference": {}}}], *ENCOUNTER, "location"),
    "a reference of slashes": put([{"location": {"reference": "////"}}], *ENCOUNTER, "location"),
    "a type that is a list of lists": put([[[]]], *ENCOUNTER, "type"),
    "a code that is an object": put({"coding": [{"system": CPT, "code": {}}]}, *ENCOUNTER, "type"),
    "a code of a thousand letters": put([{"coding": [{"system": CPT, "code": "9" * 1000}]}], *ENCOUNTER, "type"),
    "the same Encounter twice": put(
        {"resourceType": "Encounter", "id": "e-100", "status": "cancelled"}, "prefetch", "z"
    ),
    "minutes that are a list": put([34], *OBSERVED, "valueQuantity"),
    "minutes that are an object": put({}, *OBSERVED, "valueQuantity", "value"),
    "minutes in words": put("thirty-four", *OBSERVED, "valueQuantity", "value"),
    "minutes below zero": put(-34, *OBSERVED, "valueQuantity", "value"),
    "minutes of a lifetime": put(10**15, *OBSERVED, "valueQuantity", "value"),
    "half a minute": put(34.5, *OBSERVED, "valueQuantity", "value"),
    "a tiny fraction of a minute": put(1e-300, *OBSERVED, "valueQuantity", "value"),
    "a unit that is a number": put(7, *OBSERVED, "valueQuantity", "code"),
    "an Observation of another patient": put({"reference": "Patient/p-2"}, *OBSERVED, "subject"),
    "an Observation of another visit": put({"reference": "Encounter/e-2"}, *OBSERVED, "encounter"),
    "observations that are a string": put("34 min", "prefetch", "observations"),
    "observations the EHR could not read": put(OUTCOME, "prefetch", "observations"),
    "entries that are an object": put({"resource": {}}, "prefetch", "observations", "entry"),
    "entries of nothing": put([None, 7, "x", [], {}], "prefetch", "observations", "entry"),
    "ten thousand entries": put([{}] * 10_000, "prefetch", "observations", "entry"),
    "a Bundle in a Bundle in a Bundle": put(
        {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Bundle", "entry": [{"resource": {}}]}}]},
        "prefetch",
        "observations",
    ),
    "a search mode that is a list": put(
        [{"resource": {}, "search": {"mode": []}}], "prefetch", "observations", "entry"
    ),
    "a total that is a string": put("many", "prefetch", "observations", "total"),
    "a link that is a string": put("next", "prefetch", "observations", "link"),
    "a next page at the cloud's own address": put(
        [{"relation": "next", "url": "http://169.254.169.254/latest/meta-data"}], "prefetch", "priorEncounters", "link"
    ),
    "a coverage without a payor": without(*COVERED, "payor"),
    "a coverage of no type": put(7, *COVERED, "type"),
    "a payor that is a string": put("Medicare", *COVERED, "payor"),
    "a patient born in words": put("spring of 61", "prefetch", "patient", "birthDate"),
    "another patient's Patient": put({"resourceType": "Patient", "id": "p-2"}, "prefetch", "patient"),
    "an Encounter of another id": put("e-999", *ENCOUNTER, "id"),
    "a prefetch key of the language": put({"resourceType": "Patient"}, "prefetch", "__proto__"),
    "a blank prefetch key": put(7, "prefetch", ""),
    "a patient, a visit and a note that are references": put(
        {
            "userId": "Practitioner/dr-lind/_history/2",
            "patientId": "Patient/p-100",
            "encounterId": "https://ehr.example/fhir/Encounter/e-100/_history/3",
            "documentReferenceId": " DocumentReference/n1\n",
        },
        "context",
    ),
    "an extension of Epic's that is a list": put([], "extension"),
    "a trigger that is an object": put({"com.epic.cdshooks.request.bpa-trigger-action": {}}, "extension"),
    "a FHIR version that nobody knows": put({"fhirVersion": "R99<script>"}, "extension"),
    "a draft note of nothing": put({"entry": [None, {"resource": 7}]}, "context", "draftNote"),
    "draft charges of another type": put(
        {"entry": [{"resource": {"resourceType": "Spaceship", "code": CPT}}]}, "context", "draftCharges"
    ),
    "a server at the cloud's own address": put("http://169.254.169.254/latest", "fhirServer"),
    "a server on this machine": put("http://127.0.0.1:1/fhir", "fhirServer"),
    "a server with a password": put("https://user:password@fhir.example/r4", "fhirServer"),
    "a note that is no base64": put(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "context": {"encounter": [{"reference": "Encounter/e-100"}]},
            "content": [{"attachment": {"contentType": "text/plain", "data": "%%%"}}],
        },
        "prefetch",
        "documents",
    ),
    "a note that is RTF cut off": put(
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "context": {"encounter": [{"reference": "Encounter/e-100"}]},
            "content": [{"attachment": {"contentType": "text/rtf", "data": "e1xydGYxIHtcXFxcXGJpbjk5OTk5OTk="}}],
        },
        "prefetch",
        "documents",
    ),
}
"""Nonsense in the chart or beside it: it is answered all the same, for real EHRs send nonsense too."""

NAMES = [*NO_JSON, *TOO_BIG, *SENSELESS, *REFUSED, *GRANTED, *BORNE]
