"""Servers and workers die while they tune, and nothing is lost: the command, made small."""

from hyperbo_service.benchmark.crashes import Plan, faults, run


def test_nothing_is_lost_nor_counted_twice() -> None:
    """Two replicas on PostgreSQL are killed by turns, and a worker; every count is right."""
    # Four trials a study come from the design, so that no server has to compile anything.
    plan = Plan(
        workers=6,
        trials=12,
        studies=3,
        servers=2,
        killed_workers=1,
        kill_every=1.0,
        pause=0.8,
        patience=240.0,
    )

    counts = run(plan)

    assert faults(plan, counts) == []
    assert counts["servers killed"] >= 1
    assert counts["acknowledged reports"] >= plan.trials
