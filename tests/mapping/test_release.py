"""Which FHIR an EHR writes is told by its name for it, else by the shape of the visit."""

import pytest

from fhir_mapping.facts import Release
from fhir_mapping.release import release
from tests.mapping.charts import ACT, read, visit

R5_VISIT = visit(None) | {"class": [{"coding": [{"system": ACT, "code": "VR"}]}]}


@pytest.mark.parametrize("named", ["R4", "r4", "4.0.1", "4.0", "R4B", "4.3.0", " R4 ", "4"])
def test_r4_goes_by_many_names(named: str) -> None:
    assert release(named, R5_VISIT) is Release.R4


@pytest.mark.parametrize("named", ["R5", "5.0.0", "r5", "5.0", "5.0.0-ballot"])
def test_r5_goes_by_many_names(named: str) -> None:
    assert release(named, visit()) is Release.R5


@pytest.mark.parametrize("named", ["STU3", "3.0.2", "DSTU2", "1.0.2", "R6", "6.0.0-ballot2", "R44", "latest"])
def test_any_other_name_is_another_release(named: str) -> None:
    assert release(named, visit()) is Release.OTHER


@pytest.mark.parametrize("named", [None, "", " "])
def test_where_nobody_names_it_the_shape_of_the_visit_tells(named: str | None) -> None:
    assert release(named, visit()) is Release.R4
    assert release(named, visit(None)) is Release.R4
    assert release(named, R5_VISIT) is Release.R5
    assert release(named, visit(None, actualPeriod={"start": "2026-11-23"})) is Release.R5


def test_a_gathered_chart_says_its_release() -> None:
    assert read(visit()).release is Release.R4
    assert read(R5_VISIT).release is Release.R5
