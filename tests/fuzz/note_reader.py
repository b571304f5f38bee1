"""Coverage-guided fuzzing of the note reader: no text makes it fail, nor say what does not stand there.

`make fuzz` runs it; by hand: `python tests/fuzz/note_reader.py -max_total_time=60`.
"""

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports():
    from fhir_mapping.note import read_note
    from fhir_mapping.sentences import sentences

from fhir_mapping.markup import from_html
from fhir_mapping.note_rows import load_note_rules
from fhir_mapping.note_rules import TOTAL
from fhir_mapping.tables import config_folder

RULES = load_note_rules(config_folder() / "vocabulary")
A_DAY = 24 * 60


def try_one(data: bytes) -> None:
    """Read a text as a note, and as HTML; hold the quick look against the rows themselves."""
    provided = atheris.FuzzedDataProvider(data)
    text = provided.ConsumeUnicodeNoSurrogates(2_000)
    notes = [text]
    with suppress(ValueError):  # nested too deep
        notes.append(from_html(text))
    for note in notes:
        for found in read_note(note, RULES):
            assert 0 <= found.start <= found.end <= len(note)
            if found.target == TOTAL and found.value is not None:
                assert isinstance(found.value, int)
                assert any(letter.isalnum() for letter in note[found.start : found.end])
    for sentence in sentences(text):
        told = RULES.grammar.mark(sentence.text)
        assert all(0 <= one.minutes <= A_DAY for one in told.durations)
        may = RULES.needles.possible(told.text)
        for row in RULES.rows:
            assert may & row.bit or not any(row.find(told.text, sentence.heading)), row.pattern.pattern


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()
