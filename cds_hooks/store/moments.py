"""How exactly a time is stored: to the hour, unless a site wants it coarser or exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum


class StoredTime(StrEnum):
    """The unit to which times are rounded before they are stored, in UTC."""

    HOUR = "hour"
    DAY = "day"
    EXACT = "exact"

    def down(self, moment: datetime) -> datetime:
        """The start of the hour or day that a moment lies in. Parameters: `moment` with a time zone."""
        there = moment.astimezone(UTC)
        if self is StoredTime.EXACT:
            return there
        there = there.replace(minute=0, second=0, microsecond=0)
        return there if self is StoredTime.HOUR else there.replace(hour=0)

    def up(self, moment: datetime) -> datetime:
        """The next full hour, unless times are stored exactly: for what must not end too early.

        Parameters: `moment` with a time zone. It is never more than an hour: what ends is swept soon after.
        """
        if self is StoredTime.EXACT:
            return moment.astimezone(UTC)
        start = StoredTime.HOUR.down(moment)
        return start if start == moment else start + timedelta(hours=1)
