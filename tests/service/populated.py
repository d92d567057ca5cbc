"""A database with a row of every kind: trials in every state, curves, a prior, a token."""

import math
from dataclasses import replace
from datetime import timedelta

import jax.numpy as jnp
from gpjax.kernels import RBF
from gpjax.mean_functions import Zero
from gpjax.parameters import PositiveReal

from hyperbo.prior_files import PriorFiles
from hyperbo.prior_manifest import PriorReference, TrainingData
from hyperbo.space import (
    CategoricalParameter,
    FixedParameter,
    FloatParameter,
    IntegerParameter,
    SearchSpace,
)
from hyperbo.surrogates import Expert, GaussianProcessPrior, Hierarchy
from hyperbo_service import priors, studies
from hyperbo_service.auth import Scope, new_token
from hyperbo_service.domain import (
    Budget,
    Call,
    Goal,
    Measurement,
    MedianRule,
    MetricValue,
    Origin,
    StopReason,
    Study,
    SuccessiveHalving,
    Trial,
    TrialState,
)
from hyperbo_service.resources import StudyName
from hyperbo_service.storage import Store, Writer
from hyperbo_service.study_checks import StudyDraft
from tests.service.clocks import START

SPACE = SearchSpace(
    (
        FloatParameter("rate", 1e-4, 1.0),
        IntegerParameter("layers", 1, 8),
        CategoricalParameter(
            "optimizer", ("sgd", "adam"), {"sgd": (FloatParameter("momentum", 0.0, 1.0),)}
        ),
        FixedParameter("bias", True),
    )
)
OPEN, DONE = StudyName("red", "open"), StudyName("blue", "done")


def populate(store: Store) -> None:
    """Fill an empty database."""
    store.change(_add_prior)
    store.change(_add_open_study)
    store.change(_add_done_study)
    _, token = new_token("ann", "red", Scope.REPORT, now=START, expires=START + timedelta(days=1))
    store.change(lambda writer: writer.add_token(token))
    for number, project in enumerate(("red", "blue", "red")):
        call = Call(
            project, f"request-{number}", "ann", "CreateStudy", f"projects/{project}", bytes(32)
        )
        store.transact(call, lambda writer: b"answer")  # noqa: ARG005


def _add_prior(writer: Writer) -> None:
    model = GaussianProcessPrior(Zero(), RBF(lengthscale=0.4), PositiveReal(jnp.asarray(0.1)))
    files = PriorFiles.of(
        PriorReference("mine", 1),
        Expert(model, Hierarchy.fixed(), jnp.ones(model.log_factor_count)),
        space=SPACE,
        metric={"name": "accuracy", "goal": "maximise"},
        training=TrainingData("", (), 0),
        scores={},
        notes={},
    )
    checked = priors.check("mine", files.manifest, files.weights)
    priors.add(writer, "red", checked, START)


def _add_open_study(writer: Writer) -> None:
    draft = StudyDraft(
        OPEN,
        SPACE.to_json(),
        (("accuracy", Goal.MAXIMIZE),),
        prior="mine@1",
        budget=Budget(100, timedelta(hours=1), 0.99),
        stopping=MedianRule(3, 2),
        labels={"team": "vision", "quote": '"; DROP TABLE trials; --'},
    )
    study = studies.create(writer, draft, seed=7, allow_existing=False, now=START)
    study = replace(study, resolved_prior="mine@1", prior_note="asked for", prior_settled=True)
    _store(
        writer, study, [_trial(study, number, state) for number, state in enumerate(TrialState, 1)]
    )


def _add_done_study(writer: Writer) -> None:
    draft = StudyDraft(
        DONE,
        SPACE.to_json(),
        (("loss", Goal.MINIMIZE),),
        prior="none",
        stopping=SuccessiveHalving(1, 3),
    )
    study = studies.create(writer, draft, seed=8, allow_existing=False, now=START)
    _store(writer, study, [_trial(study, number, TrialState.COMPLETED) for number in (1, 2, 3)])
    studies.close(writer, writer.study(DONE), StopReason.REQUESTED, START + timedelta(hours=1))


def _store(writer: Writer, study: Study, trials: list[Trial]) -> None:
    writer.add_trials(study, trials)
    writer.save_study(replace(study, next_trial=study.next_trial + len(trials)))


def _trial(study: Study, number: int, state: TrialState) -> Trial:
    is_leased = state is not TrialState.WAITING
    is_over = state not in (TrialState.WAITING, TrialState.RUNNING)
    moment = START + timedelta(seconds=number, microseconds=123456)
    curve = tuple(
        Measurement(
            step, (MetricValue(study.metric.name, math.pi / step, 0.1),), float(step), 0.5, moment
        )
        for step in ((1, 5) if is_leased else ())
    )
    parameters = {"rate": 0.1 / number, "layers": number, "optimizer": "adam", "bias": True}
    if number % 2:
        parameters |= {"optimizer": "sgd", "momentum": 0.9}
    return Trial(
        name=study.name.trial(number),
        state=state,
        parameters=parameters,
        origin=Origin.SUGGESTED,
        created=moment,
        updated=moment,
        values=curve[-1].values if state is TrialState.COMPLETED else (),
        measurements=curve,
        measurement_count=len(curve),
        client_id="worker" if is_leased else "",
        token=int(is_leased),
        lease=timedelta(seconds=60) if is_leased else None,
        lease_expires=moment + timedelta(seconds=60) if state is TrialState.RUNNING else None,
        reason="said so ü\n" if is_over else "",
        started=moment if is_leased else None,
        ended=moment if is_over else None,
        last_step=5 if is_leased else None,
        cost=1.5 if is_over else None,
    )
