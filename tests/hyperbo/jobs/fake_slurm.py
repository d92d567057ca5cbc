"""Slurm's commands on one machine, for tests: called with the name of each, it really runs tasks.

What it prints and how it exits is what Slurm 22.05 did. A file for each task that waits or runs is
the queue, in the folder that the variable `FAKE_SLURM` names; tasks of the partition `void` are
lost as soon as they are submitted.
"""

import fcntl
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

# Only those who collect tests import this without a queue.
QUEUE = Path(os.environ.get("FAKE_SLURM", os.devnull))


def sbatch(script: str) -> None:
    """Take an array job, or a single one, and run its tasks in the background."""
    text = Path(script).read_text(encoding="utf-8")
    flags = dict(re.findall(r"^#SBATCH --([a-z-]+)=(.*)$", text, re.MULTILINE))
    partition = shlex.split(flags.get("partition", "main"))[0]
    if partition not in {"main", "void"}:
        sys.stderr.write(
            f"sbatch: error: invalid partition specified: {partition}\n"
            "sbatch: error: Batch job submission failed: Invalid partition name specified\n"
        )
        sys.exit(1)
    number = len(list(QUEUE.glob("*.submitted"))) + 1
    (QUEUE / f"{number}.submitted").write_text(text, encoding="utf-8")
    array = re.fullmatch(r"'?0-(\d+)%(\d+)'?", flags.get("array", ""))
    last, most = (int(array[1]), int(array[2])) if array else (0, 1)
    names = [f"{number}_{place}" for place in range(last + 1)] if array else [str(number)]
    if partition != "void":
        for name in names:
            (QUEUE / f"{name}.task").touch()
        command = [sys.executable, __file__, "run", script, str(most), *names]
        subprocess.Popen(
            command,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    print(f"Submitted batch job {number}")  # noqa: T201 - as sbatch does


def run(script: str, most: str, *names: str) -> None:
    """Run the tasks of an array, so many at once."""
    with ThreadPoolExecutor(int(most)) as pool:
        list(pool.map(lambda name: run_task(script, name), names))


def run_task(script: str, name: str) -> None:
    """Run a task that was not cancelled, in a process group that can be."""
    task = QUEUE / f"{name}.task"
    number, _, place = name.partition("_")
    variables = {"SLURM_JOB_ID": number}
    if place:
        variables |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": place}
    environment = os.environ | variables
    with locked_queue():
        if not task.exists():
            return
        process = subprocess.Popen(["bash", script], env=environment, start_new_session=True)
        task.write_text(str(process.pid))
    process.wait()
    task.unlink(missing_ok=True)


def srun(*words: str) -> None:
    """Run a command with its output in files."""
    options = list(words)
    paths = {"--output": os.devnull, "--error": os.devnull}
    while options[0].startswith("--"):
        option = options.pop(0)
        if option in paths:
            paths[option] = options.pop(0)
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID", "") for name in ("JOB", "TASK"))
    marks = {"%A": array, "%a": task, "%j": os.environ["SLURM_JOB_ID"], "%t": "0"}
    for option, path in paths.items():
        paths[option] = re.sub("%[Aajt]", lambda mark: marks[mark[0]], path)
    with Path(paths["--output"]).open("a") as out, Path(paths["--error"]).open("a") as errors:
        code = subprocess.run(options, check=False, stdout=out, stderr=errors).returncode
        if code:
            errors.write(f"srun: error: fake: task 0: Exited with exit code {code}\n")
    sys.exit(code)


def squeue(*options: str) -> None:
    """Print the tasks of some jobs that wait or run."""
    wanted = next(word.partition("=")[2] for word in options if word.startswith("--jobs="))
    found = [path.stem for number in wanted.split(",") for path in tasks_of(number)]
    if not found:
        sys.stderr.write("slurm_load_jobs error: Invalid job id specified\n")
        sys.exit(1)
    print("\n".join(found))  # noqa: T201 - as squeue does


def scancel(*numbers: str) -> None:
    """Cancel jobs."""
    with locked_queue():
        for task in [path for number in numbers for path in tasks_of(number)]:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                process = task.read_text()
                task.unlink()
                if process:
                    os.killpg(int(process), signal.SIGKILL)


@contextmanager
def locked_queue() -> Iterator[None]:
    """Keep a task from being started while it is cancelled."""
    with (QUEUE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def tasks_of(number: str) -> list[Path]:
    """The files of a job's tasks."""
    return [*QUEUE.glob(f"{number}_*.task"), *QUEUE.glob(f"{number}.task")]


if __name__ == "__main__":
    called, *words = sys.argv[1:]
    {"sbatch": sbatch, "run": run, "srun": srun, "squeue": squeue, "scancel": scancel}[called](
        *words
    )
