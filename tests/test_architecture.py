"""The selector can be read, tested and trusted without the web and without FHIR."""

import subprocess
import sys

PURE = """
import sys
import cds_hooks.coding.select, cds_hooks.coding.loading
loaded = {name.split(".")[0] for name in sys.modules}
print(sorted(loaded & {"flask", "requests", "fhir", "granian", "pydantic_settings"}))
print("fhir_mapping.gather" in sys.modules)
"""


def test_importing_the_selector_loads_neither_the_web_nor_fhir() -> None:
    found = subprocess.run([sys.executable, "-c", PURE], capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    assert found.stdout == "[]\nFalse\n"
