"""The boxes of a form: what is ticked stands, what is not says nothing, and the rest of a note is left as it is."""

import pytest

from fhir_mapping.boxes import boxed, ticked
from fhir_mapping.note import read_note
from fhir_mapping.note_score import stated
from tests.mapping.charts import note_rules


@pytest.mark.parametrize(
    ("written", "chosen"),
    [
        ("Visit type: ☐ Video ☒ Telephone", "Visit type: [x] Telephone"),
        ("( ) Video visit (x) Telephone visit", "[x] Telephone visit"),
        ("MDM: [ ]SF [ ]Low [x]Mod [ ]High", "MDM: [x] Mod"),
        ("MDM: Low [ ] Moderate [X] High [ ]", "MDM: Moderate"),
        ("Was video used? Yes [ ] No [x]", "Was video used? No"),
        ("Video: [ ] Telephone: [x]", "Telephone"),
        ("Video ☐ Telephone ✔", "Telephone"),
        ("☐ I spent 40 minutes", ""),
        ("[ ] video [ ] telephone [ ] in person", ""),
        ("Seen by Zoom; consent to telehealth: [ ] yes [ ] no", "Seen by Zoom;"),
        ("[x] Video [ ] Phone; patient at home", "[x] Video ; patient at home"),
        ("☒ Video", "[x] Video"),
        ("Consent ✔", "Consent ✔"),
        ("Consent [x] obtained verbally.", "Consent [x] obtained verbally."),
        ("Marked (x) on the consent form.", "Marked (x) on the consent form."),
        ("Total time: [ ] minutes.", "Total time: [ ] minutes."),
        ("MDM [x] high [ ] minimal", "MDM [x] high"),
        ("Video visit (patient at home).", "Video visit (patient at home)."),
    ],
)
def test_a_form_says_what_was_chosen(written: str, chosen: str) -> None:
    assert ticked(written) == chosen


def test_a_note_without_boxes_is_not_looked_through_for_them() -> None:
    assert not boxed("Total time (min): 34. [MDM] low (see above).")


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        ("mdm", "[ ] MDM: high", None),
        ("mdm", "☐ High complexity MDM", None),
        ("mdm", "[x] MDM: high", "high"),
        ("mdm", "MDM: [ ] low [x] moderate [ ] high", "moderate"),
        ("mdm", "MDM: Low [ ] Moderate [x] High [ ]", "moderate"),
        ("mdm_risk", "MDM: problems: [x] low; risk: [ ] low [x] high", "high"),
        ("total_minutes", "☐ Total time 60 minutes", None),
        ("total_minutes", "[ ] I spent 40 minutes", None),
        ("total_minutes", "[x] Total time 45 minutes [ ] MDM", 45),
        ("modality", "Visit type: ☐ Video ☒ Telephone", "audio_only"),
        ("modality", "Modality: ☒ Video ☐ Audio only", "audio_video"),
        ("modality", "( ) Video visit (x) Telephone visit", "audio_only"),
        ("modality", "( ) Video visit\n(x) Telephone visit", "audio_only"),
        ("modality", "☐ Video\n☒ Telephone", "audio_only"),
        ("modality", "Conducted via: [x] video [ ] phone", "audio_video"),
        ("modality", "Was video used? [ ] Yes [x] No", None),
        ("modality", "Was video used? [x] Yes [ ] No", "audio_video"),
        ("patient_location", "Patient location: [ ] Home [x] Other", None),
        ("patient_location", "Patient location: ☒ Home ☐ Work", "home"),
        ("patient_location", "Patient at home during the visit: [ ] Yes [x] No", None),
        ("consent_documented", "☐ Verbal consent for telehealth obtained", None),
        ("consent_documented", "Telehealth consent obtained: [x] Yes [ ] No", True),
        ("consent_documented", "Telehealth consent obtained: [ ] Yes [x] No", None),
    ],
)
def test_only_what_is_ticked_is_read(target: str, text: str, value: object) -> None:
    assert stated(read_note(text, note_rules()), target) == value
