"""JSON Schemas of the tables, so that an editor completes a payer's file and marks a slip as it is typed."""

import json

from pydantic import BaseModel

from cds_hooks.coding.criteria import MdmTable, TimeTable
from cds_hooks.coding.families import Family, Prolonged
from cds_hooks.coding.guidelines import Guidelines
from cds_hooks.coding.payers import Payer

TABLES: dict[str, type[BaseModel]] = {
    "family": Family,
    "payer": Payer,
    "prolonged": Prolonged,
    "guidelines": Guidelines,
    "mdm": MdmTable,
    "time": TimeTable,
}


def schemas() -> dict[str, str]:
    """The schema of each kind of table, as JSON text by file name."""
    return {
        f"{name}.schema.json": json.dumps(model.model_json_schema(), indent=2, sort_keys=True) + "\n"
        for name, model in TABLES.items()
    }
