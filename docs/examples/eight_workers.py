"""Eight worker processes on one study; one is killed, and another finishes its trial.

    hyperbo serve
    python docs/examples/eight_workers.py

A worker that is killed says nothing any more. When its lease has run out, its trial goes to
another worker, with what was measured so far.
"""

import multiprocessing
import os
import signal
import sys
import time

from hyperbo_service.client import Client, Float

STUDY, WORKERS, EPOCHS, LEASE = "eight-workers", 8, 4, 2.0
LOST = 2
"""Number of the trial whose first worker is killed."""

SPACE = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}


def work(number: int) -> None:
    """Run trials until the study is done; who gets the one to be lost is killed in the middle."""
    with Client(client_id=f"worker-{number}-{os.getpid()}") as client:
        study = client.study(STUDY)
        for trial in study.trials(lease=LEASE):
            with trial:
                is_begun = bool(trial.past)
                # A trial that was begun by another goes on where that one was.
                for epoch in range((trial.last_step or 0) + 1, EPOCHS + 1):
                    time.sleep(0.02)
                    distance = (trial.parameters["x"] - 0.3) ** 2 + trial.parameters["y"] ** 2
                    trial.report(distance + 1.0 / epoch, step=epoch)
                    if trial.number == LOST and not is_begun and epoch == 2:
                        os.kill(os.getpid(), signal.SIGKILL)


def main(count: int) -> None:
    """Start the workers, wait for them, and say what became of the lost trial."""
    with Client() as client:
        study = client.study(
            STUDY,
            space=SPACE,
            metric="loss",
            goal="minimize",
            early_stopping=None,
            max_trials=count,
        )
        # Not forked: a worker is a program of its own, as it would be on another machine.
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=work, args=(each,)) for each in range(WORKERS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        trials = list(study.history(measurements=True))
        killed = [place for place, each in enumerate(workers) if each.exitcode == -signal.SIGKILL]
        print(f"killed: {killed}")
        print(f"completed: {sum(trial.state == 'completed' for trial in trials)} of {count}")
        for trial in trials:
            if trial.fencing_token > 1:
                steps = [each.step for each in trial.measurements]
                print(f"handed on: trial {trial.number}, ended by {trial.client_id}, steps {steps}")
        print(f"best: {study.best().value:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
