"""Old trials in parts that fit into a message, each under a request id of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hyperbo_service.client.answers import TrialRecord
from hyperbo_service.client.calls import SLOW, Call
from hyperbo_service.client.outcomes import finished_trial
from hyperbo_service.rpc.v1 import trial_pb2
from hyperbo_service.rpc.v1 import tuning_service_pb2 as tuning

MOST_TRIALS = 1000
MOST_BYTES = 2 * 1024 * 1024


def import_calls(
    study: str,
    trials: Iterable[TrialRecord | Mapping[str, Any]],
    metrics: Sequence[str],
    batch: str,
) -> Iterator[Call[tuning.ImportTrialsResponse]]:
    """The calls that add trials to a study.

    Request ids are a digest of the study, the batch's name, the part's number and its trials, so
    an import that broke off may be begun anew and adds nothing twice.
    """
    messages = (finished_trial(each, metrics) for each in trials)
    for number, part in enumerate(_parts(messages)):
        request = tuning.ImportTrialsRequest(parent=study, trials=part)
        digest = hashlib.sha256(f"{study}\0{batch}\0{number}\0".encode())
        digest.update(request.SerializeToString(deterministic=True))
        request.request_id = f"import-{digest.hexdigest()[:48]}"
        yield Call("ImportTrials", request, tuning.ImportTrialsResponse, SLOW)


def _parts(trials: Iterable[trial_pb2.Trial]) -> Iterator[list[trial_pb2.Trial]]:
    part: list[trial_pb2.Trial] = []
    size = 0
    for trial in trials:
        more = trial.ByteSize() + 8
        if part and (len(part) == MOST_TRIALS or size + more > MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(trial)
        size += more
    if part:
        yield part
