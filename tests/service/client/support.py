"""A search space, points in it, and a clock that moves only when told."""

from hyperbo_service.client import Clock, Float, Integer

SPACE = {"lr": Float(1e-5, 1.0, scale="log"), "layers": Integer(1, 8)}
POINTS = [{"lr": 0.1 / number, "layers": number} for number in range(1, 9)]


class Time:
    """A clock for tests: sleeping moves it, and each sleep is noted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []
        self.clock = Clock(now=lambda: self.now, sleep=self.sleep, chance=lambda: 0.5)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.sleeps.append(seconds)
        self.now += seconds
