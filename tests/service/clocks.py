"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class StillClock:
    """Gives the time of day, and by `ticks` the seconds since it was made."""

    def __init__(self) -> None:
        self._passed = 0.0

    def __call__(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self._passed)

    def ticks(self) -> float:
        """Seconds that only go forward."""
        return self._passed

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self._passed += seconds
