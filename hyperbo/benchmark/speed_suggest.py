"""Time of a warm suggestion beside Optuna's Gaussian process, on the same trials: a command.

`python -m hyperbo.benchmark.speed_suggest` prints CPU seconds of one suggestion on Hartmann-4 with
20, 100 and 1,000 trials, and their ratios.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float

from hyperbo.benchmark.functions import hartmann4
from hyperbo.benchmark.peers import OPTUNA_GP
from hyperbo.benchmark.tables import to_markdown
from hyperbo.space import FloatParameter, SearchSpace
from hyperbo.suggest import History, Memory, from_scratch, suggest

Ask = Callable[[Float[np.ndarray, "T D"], Float[np.ndarray, " T"]], None]


def ours() -> Ask:
    """A growing study that carries its memory along, as the service does."""
    space = SearchSpace(tuple(FloatParameter(f"x{axis}", 0.0, 1.0) for axis in range(4)))
    strategy, rng = from_scratch(4), np.random.default_rng(0)
    memory: list[Memory | None] = [None]

    def ask(inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]) -> None:
        history = History(inputs, values, np.zeros((0, 4)))
        memory[0] = suggest(rng, strategy, space, history, memory=memory[0]).memory

    return ask


def optunas() -> Ask:
    """Optuna's sampler with its defaults."""
    tuner = OPTUNA_GP.start_on_cube(0, 4)

    def ask(inputs: Float[np.ndarray, "T D"], values: Float[np.ndarray, " T"]) -> None:
        tuner.suggest(inputs, values)

    return ask


def time_asks(make: Callable[[], Ask], count: int, repeats: int) -> tuple[float, float]:
    """CPU and wall seconds of one warm ask, medians over a study growing from `count` trials."""
    rng = np.random.default_rng(1)
    inputs = rng.random((count + repeats + 2, 4))
    values = hartmann4().evaluate(inputs)
    ask = make()
    cpu, wall = [], []
    for size in range(count, count + repeats + 2):
        begun_cpu, begun = time.process_time(), time.perf_counter()
        ask(inputs[:size], values[:size])
        cpu.append(time.process_time() - begun_cpu)
        wall.append(time.perf_counter() - begun)
    return float(np.median(cpu[2:])), float(np.median(wall[2:]))


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[20, 100, 1000])
    parser.add_argument("--repeats", type=int, default=9)
    chosen = parser.parse_args(arguments)
    rows = []
    for size in chosen.sizes:
        repeats = chosen.repeats if size < 1000 else max(3, chosen.repeats // 3)
        (cpu, wall), (peer_cpu, peer_wall) = (
            time_asks(make, size, repeats) for make in (ours, optunas)
        )
        rows.append(
            {
                "trials": size,
                "HyperBO, CPU s": f"{cpu:.3f}",
                "Optuna GP, CPU s": f"{peer_cpu:.3f}",
                "CPU ratio": f"{peer_cpu / cpu:.1f}",
                "wall ratio": f"{peer_wall / wall:.1f}",
            }
        )
    cores = len(os.sched_getaffinity(0))
    print(f"Hartmann-4, warm, {cores} cores")  # noqa: T201 - a command
    print(to_markdown(pd.DataFrame(rows)))  # noqa: T201 - a command


if __name__ == "__main__":
    main()
