"""Says what else would help to read the visit and was not sent: the texts of its notes, where it was, and who pays."""

from collections.abc import Iterable

from fhir_mapping.chart import Chart, open_chart
from fhir_mapping.coverage import payers_to_fetch
from fhir_mapping.documents import unsent_texts
from fhir_mapping.resources import records, reference, text
from fhir_mapping.vocabulary import Vocabulary

MOST_TEXTS = 3
MOST_PLACES = 4
MOST_PAYERS = 4


def wanted(
    resources: Iterable[object], *, patient_id: str, encounter_id: str, vocabulary: Vocabulary
) -> tuple[str, ...]:
    """List references that the resources make to others that are not among them, as they are written.

    Parameters: as for `gather`. Raises MissingEncounter if the encounter is not among the resources, WrongPatient if
    it is another patient's.
    """
    chart = open_chart(resources, patient_id, encounter_id, vocabulary)
    payers = list(dict.fromkeys(payers_to_fetch(chart)))[:MOST_PAYERS]
    return (*unsent_texts(chart)[:MOST_TEXTS], *_unsent_places(chart)[:MOST_PLACES], *payers)


def _unsent_places(chart: Chart) -> list[str]:
    targets = [entry.get("location") for entry in records(chart.encounter.get("location"))]
    missing = [target for target in targets if chart.find(target, chart.encounter) is None]
    named = [target for target in records(missing) if reference(target).kind == "Location"]
    return [said for target in named if (said := text(target.get("reference")))]
