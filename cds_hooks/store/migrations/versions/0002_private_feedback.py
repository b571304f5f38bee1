"""Feedback is digested under a key, times are rounded to the hour, and ids and reasons of others are not kept.

What the older tables hold is brought to the same: their digests, from which a comment could be guessed, are replaced by
random ones. An event from before, told again after, is therefore kept a second time.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIMES = (("card", "given"), ("feedback", "received"), ("feedback", '"at"'))
ROUNDED = {
    "sqlite": "substr({column}, 1, 13) || '\\:00\\:00.000000'",
    "postgresql": "date_trunc('hour', {column} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
}
RANDOM = {
    "sqlite": "lower(hex(randomblob(32)))",
    "postgresql": "replace(CAST(gen_random_uuid() AS text) || CAST(gen_random_uuid() AS text), '-', '')",
}
POSITION = """
UPDATE feedback SET position = numbered.place
FROM (SELECT digest, row_number() OVER (PARTITION BY card ORDER BY "at", received) AS place FROM feedback) AS numbered
WHERE numbered.digest = feedback.digest
"""
ACCEPTED = """
SELECT feedback.digest, feedback.accepted, offer.suggestion
FROM feedback LEFT JOIN offer ON offer.card = feedback.card AND feedback.known
WHERE feedback.accepted <> ''
"""
SORTED_OUT = """
UPDATE feedback SET accepted = :own, unknown_suggestions = :others WHERE digest = :digest
"""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CARD_OF_ANOTHER_FORM = "UPDATE feedback SET card = 'other' WHERE NOT known AND length(card) <> 36"
REASON_OF_OTHERS = """
UPDATE feedback SET reason_code = 'other'
WHERE reason_code NOT IN (
    '', 'different-level', 'wrong-modality', 'payer-rule', 'not-billable', 'will-document', 'other'
)
AND reason_system NOT LIKE '%/CodeSystem/override-reason'
AND NOT (reason_system = 'epic' AND length(reason_code) <= 4)
"""
SYSTEM_OF_OTHERS = """
UPDATE feedback SET reason_system = ''
WHERE reason_system NOT LIKE '%/CodeSystem/override-reason' AND reason_system <> 'epic'
"""


def upgrade() -> None:
    """Bring tables and rows to what is kept now."""
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":  # what is overwritten leaves nothing in the file
        op.execute("PRAGMA secure_delete=ON")
    for added in (
        sa.Column("position", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("unknown_suggestions", sa.String(2000), nullable=False, server_default=""),
    ):
        op.add_column("feedback", added)
    _sort_out_suggestions(op.get_bind())
    for statement in (POSITION, CARD_OF_ANOTHER_FORM, REASON_OF_OTHERS, SYSTEM_OF_OTHERS):
        op.execute(statement)
    op.execute(f"UPDATE feedback SET digest = {RANDOM[dialect]}")  # noqa: S608 - our own words
    for table, column in TIMES:
        rounded = ROUNDED[dialect].format(column=column)
        op.execute(f"UPDATE {table} SET {column} = {rounded}")  # noqa: S608 - our own words


def _sort_out_suggestions(connection: sa.Connection) -> None:
    """Leave under `accepted` what the card had, and put the rest apart."""
    told: dict[str, list[str]] = {}
    had: dict[str, set[str]] = {}
    for digest, accepted, suggestion in connection.execute(sa.text(ACCEPTED)):
        told[digest] = accepted.split()
        had.setdefault(digest, set()).add(suggestion)
    for digest, ids in told.items():
        own = [one for one in ids if one in had[digest]]
        if own != ids:
            others = [one if UUID.fullmatch(one) else "other" for one in ids if one not in own]
            values = {"digest": digest, "own": " ".join(own), "others": " ".join(others)}
            connection.execute(sa.text(SORTED_OUT), values)


def downgrade() -> None:
    """Drop the new columns; what was rounded or replaced does not come back."""
    for column in ("unknown_suggestions", "position"):
        op.drop_column("feedback", column)
