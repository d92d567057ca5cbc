"""Run by test_sharding.py in a process that JAX gives four devices; prints one JSON object."""

import json
import logging
import re
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.flatten_util import ravel_pytree

from hyperbo.pretraining import Adam, LikelihoodObjective, fit, shard_tasks
from hyperbo.surrogates.presets import hyperbo_prior
from hyperbo.tasks import TaskBatch


class Counter(logging.Handler):
    """Counts compilations of the training loop."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self.count += "XLA compilation of jit(_advance)" in record.getMessage()


def main() -> None:
    """Compare one device with four."""
    random = np.random.default_rng(0)
    mask = np.arange(12) < np.array([12, 7, 12, 3, 9, 12])[:, None]
    batch = TaskBatch(
        random.uniform(size=(6, 12, 2)),
        random.normal(size=(6, 12)),
        mask,
        tuple(f"task-{index}" for index in range(6)),
    )
    spread = shard_tasks(batch, jax.devices())
    key, prior = jr.key(0), hyperbo_prior(jr.key(1), 2, (4,), noise=0.1)
    evaluate = eqx.filter_jit(eqx.filter_value_and_grad(lambda p, objective: objective(p, key)))
    alone, together = (LikelihoodObjective(each, 5) for each in (batch, spread))
    loss, slope = evaluate(prior, alone)
    spread_loss, spread_slope = evaluate(prior, together)
    # Compared as numpy arrays: the two lie on different devices.
    slopes = [np.asarray(ravel_pytree(s)[0]) for s in (slope, spread_slope)]

    method = Adam(6)
    wanted = fit(key, prior, alone, method=method, chunk=2)
    counter = Counter()
    logging.getLogger("jax").addHandler(counter)
    with jax.log_compiles():
        got = fit(key, prior, together, method=method, chunk=2)
    program = evaluate.lower(prior, together).compile().compiled.as_text()
    result = {
        "devices": jax.device_count(),
        "tasks": int(spread.mask.shape[0]),
        "tasks_here": int(jnp.asarray(together.mask).addressable_shards[0].data.shape[0]),
        "loss_gap": abs(float(loss) - float(spread_loss)),
        "slope_gap": float(np.max(np.abs(slopes[0] - slopes[1]))),
        "fit_gap": float(np.max(np.abs(wanted.losses - got.losses))),
        "compilations": counter.count,
        "factorisations": sorted(
            set(re.findall(r"(f64\[\d+,5,5\])\S*, \S+ custom-call\(.*potrf", program))
        ),
        "devices_of_result": len(got.prior.noise_variance.devices()),
    }
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main()
