"""The first tables: cards, the codes offered on them, feedback, and used tokens."""

import sqlalchemy as sa
from alembic import op

from cds_hooks.store.tables import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "card",
        sa.Column("uuid", sa.String(36), primary_key=True),
        sa.Column("given", Instant(), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("questions", sa.String(400), nullable=False),
        sa.Column("fingerprint", sa.String(80), nullable=False),
    )
    op.create_index("ix_card_given", "card", ["given"])
    op.create_table(
        "offer",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "card", sa.String(36), sa.ForeignKey("card.uuid", name="fk_offer_card", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("suggestion", sa.String(36), nullable=False),
        sa.Column("payer", sa.String(80), nullable=False),
        sa.Column("code", sa.String(8), nullable=False),
        sa.Column("place_of_service", sa.String(2), nullable=False),
        sa.Column("modifiers", sa.String(40), nullable=False),
        sa.Column("basis", sa.String(8), nullable=False),
        sa.Column("recommended", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_offer_card", "offer", ["card"])
    op.create_index("ix_offer_code", "offer", ["code"])
    op.create_table(
        "feedback",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("received", Instant(), nullable=False),
        sa.Column("card", sa.String(200), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("tenant", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("accepted", sa.String(2000), nullable=False),
        sa.Column("reason_system", sa.String(255), nullable=False),
        sa.Column("reason_code", sa.String(100), nullable=False),
        sa.Column("commented", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_index("ix_feedback_received", "feedback", ["received"])
    op.create_index("ix_feedback_outcome_at", "feedback", ["outcome", "at"])
    op.create_table(
        "seen_token",
        sa.Column("issuer", sa.String(255), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires", Instant(), nullable=False),
    )
    op.create_index("ix_seen_token_expires", "seen_token", ["expires"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("seen_token", "feedback", "offer", "card"):
        op.drop_table(table)
