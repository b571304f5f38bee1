"""What is remembered, as tables: cards given, codes offered on them, what became of them, and tokens already used.

Nothing here comes from the chart: no patient, no note, no evidence. What is kept is what was suggested, and the answer.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuse a moment without a zone; keep it in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002 - as the driver gives it
        """Say that it is UTC where the database did not keep the zone."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


METADATA = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s"}
)

CARDS = Table(
    "card",
    METADATA,
    Column("uuid", String(36), primary_key=True),
    Column("given", Instant, nullable=False, index=True),
    Column("service", String(64), nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("tenant", String(255), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("questions", String(400), nullable=False),
    Column("fingerprint", String(80), nullable=False),
)
"""A card given: when, by which service, to whose EHR, with which outcome; its questions' ids, joined by blanks."""

OFFERS = Table(
    "offer",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("card", ForeignKey("card.uuid", ondelete="CASCADE"), nullable=False, index=True),
    Column("suggestion", String(36), nullable=False),
    Column("payer", String(80), nullable=False),
    Column("code", String(8), nullable=False, index=True),
    Column("place_of_service", String(2), nullable=False),
    Column("modifiers", String(40), nullable=False),
    Column("basis", String(8), nullable=False),
    Column("recommended", Boolean, nullable=False),
)
"""A code offered on a card; `suggestion` is empty where the card only named it."""

FEEDBACK = Table(
    "feedback",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("received", Instant, nullable=False, index=True),
    Column("card", String(200), nullable=False, index=True),
    Column("known", Boolean, nullable=False),
    Column("service", String(64), nullable=False),
    Column("issuer", String(255), nullable=False),
    Column("tenant", String(255), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("accepted", String(2000), nullable=False),
    Column("unknown_suggestions", String(2000), nullable=False),
    Column("reason_system", String(255), nullable=False),
    Column("reason_code", String(100), nullable=False),
    Column("commented", Boolean, nullable=False),
)
"""One thing a clinician did with a card. A comment is only counted: its words may tell of the patient.

`digest` tells a repeated event, `position` puts the events of one card in order: both need a key that is not in the
database. `accepted` are suggestions of that card, `unknown_suggestions` are others, joined by blanks.
"""

TOKENS = Table(
    "seen_token",
    METADATA,
    Column("issuer", String(255), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("expires", Instant, nullable=False, index=True),
)
"""A client token already used, until it would be refused as expired anyway."""

Index("ix_feedback_outcome_at", FEEDBACK.c.outcome, FEEDBACK.c.at)
