"""Feedback is digested under a key, times are rounded to the hour, and ids and reasons of others are not kept.

What the older tables hold is brought to the same: their digests, from which a comment could be guessed, are replaced by
random ones. An event from before, told again after, is therefore kept a second time.
"""

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
NO_SUGGESTION_OF_THE_CARD = """
UPDATE feedback SET accepted = '', unknown_suggestions = 'other'
WHERE accepted <> '' AND NOT (known AND EXISTS (
    SELECT 1 FROM offer
    WHERE offer.card = feedback.card AND offer.suggestion <> ''
    AND ' ' || feedback.accepted || ' ' LIKE '% ' || offer.suggestion || ' %'
))
"""
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
    for statement in (POSITION, NO_SUGGESTION_OF_THE_CARD, CARD_OF_ANOTHER_FORM, REASON_OF_OTHERS, SYSTEM_OF_OTHERS):
        op.execute(statement)
    op.execute(f"UPDATE feedback SET digest = {RANDOM[dialect]}")  # noqa: S608 - our own words
    for table, column in TIMES:
        rounded = ROUNDED[dialect].format(column=column)
        op.execute(f"UPDATE {table} SET {column} = {rounded}")  # noqa: S608 - our own words


def downgrade() -> None:
    """Drop the new columns; what was rounded or replaced does not come back."""
    for column in ("unknown_suggestions", "position"):
        op.drop_column("feedback", column)
