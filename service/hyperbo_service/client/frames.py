"""A study as a table; the only part of the client that needs pandas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from hyperbo_service.client.answers import TrialRecord


def frame_of(trials: Iterable[TrialRecord], *, measurements: bool) -> pd.DataFrame:
    """A table of trials, indexed by number; or of measurements, by number and step.

    Columns are `state`, `parameters.NAME`, `values.METRIC` and `stderrs.METRIC` where known, and of
    a trial also `cost`, `reason`, `origin`, `client_id`, and when it was `created`, `started` and
    `ended`; of a measurement `elapsed` and `cost`. What a trial lacks is a missing value.
    """
    index = ["number", "step"] if measurements else ["number"]
    rows = [row for each in trials for row in (_points(each) if measurements else [_row(each)])]
    if not rows:
        return pd.DataFrame(columns=[*index, "state"]).set_index(index)
    return pd.DataFrame.from_records(rows).set_index(index)


def _row(trial: TrialRecord) -> dict[str, Any]:
    return {
        **_common(trial),
        **_prefixed("values", trial.values),
        **_prefixed("stderrs", trial.stderrs),
        "cost": trial.cost,
        "reason": trial.reason,
        "origin": trial.origin,
        "client_id": trial.client_id,
        "created": trial.created,
        "started": trial.started,
        "ended": trial.ended,
    }


def _points(trial: TrialRecord) -> Iterator[dict[str, Any]]:
    for point in trial.measurements:
        yield {
            **_common(trial),
            "step": point.step,
            **_prefixed("values", point.values),
            **_prefixed("stderrs", point.stderrs),
            "elapsed": point.elapsed,
            "cost": point.cost,
        }


def _common(trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        **_prefixed("parameters", trial.parameters),
    }


def _prefixed(prefix: str, entries: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": entry for name, entry in entries.items()}
