"""A worker that tunes until its study is done, and writes down what it was told has been stored."""

import json
import time
from pathlib import Path

from hyperbo_service.client import Client
from hyperbo_service.errors import LeaseLostError

STEPS = 5
LEASE_SECONDS = 15.0


def curve(x: float, y: float, step: int) -> float:
    """The value that a trial has at a step: the same whoever runs it."""
    return 1.0 - (x - 0.3) ** 2 - (y - 0.7) ** 2 - 1.0 / (step + 1.0)


def run_worker(target: str, study_id: str, record: str, pause: float) -> None:
    """Run trials until the study is done."""
    client = Client(target, patience=600.0)
    study = client.study(study_id)
    with Path(record).open("a", buffering=1) as told:
        for trial in study.trials(lease=LEASE_SECONDS):
            x, y = trial.parameters["x"], trial.parameters["y"]
            entry = {"study": study_id, "number": trial.number}
            try:
                for step in range(STEPS):
                    trial.report(curve(x, y, step), step=step)
                    told.write(json.dumps(entry | {"kind": "report", "step": step}) + "\n")
                    time.sleep(pause)
                trial.complete()
                told.write(json.dumps(entry | {"kind": "complete"}) + "\n")
            except LeaseLostError:
                continue  # another has it; what was acknowledged before must stand all the same
    client.close()
