"""`hyperbo trial`: trials in shell scripts, one command a step."""

import sys
from typing import Annotated, Any

import typer

from hyperbo_service.choices import FormatName
from hyperbo_service.commands.documents import document
from hyperbo_service.commands.durations import seconds
from hyperbo_service.commands.native_values import parameters_of
from hyperbo_service.commands.options import AsJson, examples
from hyperbo_service.commands.service_options import Service, StudyId, add_command
from hyperbo_service.commands.trial_formats import check_variables, written
from hyperbo_service.console import note, print_json, say, working
from hyperbo_service.errors import CommandError

DONE, NONE_FREE, STOP = 3, 4, 5
"""Exit codes: the study gives no more trials; it has none just now; a trial should be stopped."""

TrialArgument = Annotated[
    str, typer.Argument(metavar="TRIAL", help="STUDY/NUMBER, or the name that `ask` gave.")
]
Token = Annotated[
    int | None,
    typer.Option(
        "--fencing-token",
        metavar="NUMBER",
        envvar="HYPERBO_FENCING_TOKEN",
        help="The token under which the trial was handed out; `ask --format env` sets it.",
        show_default=False,
    ),
]
RequestId = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="A text of your own, 8 to 60 letters, digits or hyphens: the same command with the "
        "same text changes nothing twice. Default: a random one.",
        show_default=False,
    ),
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for people.")]
Format = Annotated[
    FormatName,
    typer.Option(
        "--format",
        help="json; env: lines for eval that export each parameter, HYPERBO_TRIAL, "
        "HYPERBO_FENCING_TOKEN and HYPERBO_ARGS; args: --name=value for a command.",
    ),
]
Prefix = Annotated[
    str, typer.Option(metavar="TEXT", help="With env, put this before parameters' names.")
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        name="trial",
        help=(
            "Trials in shell scripts: ask for one, report on it, complete it.\n\n"
            "A trial is leased: who does not report or complete it within the lease loses it to "
            "another. Exit codes: 2 refused, 3 the study is done, 4 nothing free just now, 5 the "
            "trial should be stopped."
        ),
        no_args_is_help=True,
        rich_markup_mode="rich",
        epilog=examples(
            ('eval "$(hyperbo trial ask digits --format env)"', "sets lr, layers, HYPERBO_TRIAL"),
            ('hyperbo trial report "$HYPERBO_TRIAL" 0.91 --step 3', "a point of its curve"),
            ('hyperbo trial complete "$HYPERBO_TRIAL" 0.93', "its result"),
        ),
    )
    _register_ask(group)
    _register_results(group)
    _register_ends(group)
    app.add_typer(group)


def _register_ask(group: typer.Typer) -> None:
    add_command(
        group,
        "ask",
        ask,
        "Ask for a trial, and print it. Exit code 3: the study is done; 4: nothing is free now.\n\n"
        "With a client id, a script that was killed and starts again gets back the trial it had.",
        ("hyperbo trial ask digits", "as JSON"),
        ('eval "$(hyperbo trial ask digits --format env --wait)"', "as variables of the shell"),
        ("hyperbo trial ask digits --lease 4h --client-id worker-3", "for four hours"),
    )
    add_command(
        group,
        "show",
        show,
        "Show a trial with its learning curve.",
        ("hyperbo trial show digits/3", "as JSON"),
        ('python train.py $(hyperbo trial show "$HYPERBO_TRIAL" --format args)', "its arguments"),
    )


def _register_results(group: typer.Typer) -> None:
    add_command(
        group,
        "report",
        report,
        "Report a point of a trial's learning curve, and renew its lease.",
        ('hyperbo trial report "$HYPERBO_TRIAL" 0.91 --step 3', "after the third epoch"),
        ("hyperbo trial report digits/7 0.91 --step 3 --fencing-token 1", "with all said"),
        (
            'hyperbo trial report "$HYPERBO_TRIAL" 0.2 --step 3 --or-stop || break',
            "leaves the loop if the trial should stop",
        ),
    )
    add_command(
        group,
        "complete",
        complete,
        "Complete a trial with its result; without one, the last report is.",
        ('hyperbo trial complete "$HYPERBO_TRIAL" 0.93', "with a value"),
        ('hyperbo trial complete "$HYPERBO_TRIAL"', "with the last report"),
    )


def _register_ends(group: typer.Typer) -> None:
    add_command(
        group,
        "fail",
        fail,
        "Say that a trial broke, for a reason that says nothing of its configuration.",
        ('hyperbo trial fail "$HYPERBO_TRIAL" --reason "disk full"', "it is not tried again"),
    )
    add_command(
        group,
        "infeasible",
        infeasible,
        "Say that a trial's configuration cannot be evaluated: it counts as a bad result.",
        ('hyperbo trial infeasible "$HYPERBO_TRIAL" --reason "out of memory"', "too large"),
    )
    add_command(
        group,
        "abandon",
        abandon,
        "Give a trial up: it does not count against the budget. Also trials of others.",
        ("hyperbo trial abandon digits/7", "it is not handed out again"),
    )


def ask(
    service: Service,
    study: StudyId,
    *,
    form: Format = FormatName.JSON,
    prefix: Prefix = "",
    lease: Annotated[
        str,
        typer.Option(
            metavar="SPAN",
            help="Time within which the trial must be heard of: such as 90s, 2h or 1d.",
        ),
    ] = "1d",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait while nothing is free; others may give up theirs.")
    ] = False,
    client_id: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="HYPERBO_CLIENT_ID",
            help="A lasting name of this worker: under it, `ask` gives back a trial that it has "
            "and did not finish. Default: a new one.",
            show_default=False,
        ),
    ] = None,
    request_id: RequestId = None,
) -> None:
    """Print a trial to run."""
    span = seconds(lease)
    # Who asks is part of the request, so a repetition must come under the same name.
    client_id = client_id or request_id
    with (
        working("waiting for a trial" if wait else "asking for a trial"),
        service.client(request_id=request_id, client_id=client_id) as client,
    ):
        opened = client.study(study)
        if form is FormatName.ENV:
            # Before a trial is leased that could not be written.
            check_variables(parameters_of(opened.info().space), prefix)
        if wait:
            trial = next(opened.trials(1, lease=span), None)
        else:
            trial = next(iter(opened.ask(1, lease=span)), None)
        record = opened.info() if trial is None else None
    if trial is None:
        _end_without(record)
    _write(trial, form, prefix)


def show(
    service: Service,
    trial: TrialArgument,
    *,
    form: Format = FormatName.JSON,
    prefix: Prefix = "",
) -> None:
    """Print a trial as it is."""
    record = _on(service, trial, None, "reading the trial", lambda each: each.read())
    if form is FormatName.JSON:
        print_json(document(record))
    else:
        _write(record, form, prefix)


def report(
    service: Service,
    trial: TrialArgument,
    value: Annotated[float, typer.Argument(metavar="VALUE", help="The metric's value.")],
    *,
    step: Annotated[int, typer.Option(help="Greater than at the last report.")],
    stderr: Annotated[
        float | None, typer.Option(min=0.0, help="Standard error of the value.")
    ] = None,
    elapsed: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Time trained so far.")
    ] = None,
    or_stop: Annotated[
        bool,
        typer.Option("--or-stop", help="End with exit code 5 if the trial should be stopped."),
    ] = False,
    fencing_token: Token = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Add a measurement."""

    def carry(held: Any) -> tuple[int, str | None]:
        count = held.report(value, step, stderr=stderr, elapsed=elapsed)
        return count, held.stop_reason() if or_stop else None

    count, reason = _on(service, trial, fencing_token, "reporting", carry, request_id)
    if as_json:
        print_json({"measurements": count, "should_stop": reason is not None, "reason": reason})
    if reason is not None:
        note(f"stop: {reason}")
        raise typer.Exit(STOP)


def complete(
    service: Service,
    trial: TrialArgument,
    value: Annotated[
        float | None,
        typer.Argument(metavar="[VALUE]", help="The result. Default: the last report."),
    ] = None,
    *,
    stderr: Annotated[
        float | None, typer.Option(min=0.0, help="Standard error of the value.")
    ] = None,
    cost: Annotated[float | None, typer.Option(help="What it cost, in a unit of your own.")] = None,
    fencing_token: Token = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Finish a trial with its result."""
    if value is None and stderr is not None:
        raise CommandError("--stderr is of a value; give the value too.")
    record = _on(
        service,
        trial,
        fencing_token,
        "completing the trial",
        lambda held: held.complete(value, stderr=stderr, cost=cost),
        request_id,
    )
    _tell(record, as_json=as_json)


def fail(
    service: Service,
    trial: TrialArgument,
    *,
    reason: Reason = "",
    fencing_token: Token = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Finish a trial as broken."""
    record = _on(
        service,
        trial,
        fencing_token,
        "ending the trial",
        lambda held: held.fail(reason),
        request_id,
    )
    _tell(record, as_json=as_json)


def infeasible(
    service: Service,
    trial: TrialArgument,
    *,
    reason: Reason = "",
    fencing_token: Token = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Finish a trial as one whose configuration cannot be evaluated."""
    record = _on(
        service,
        trial,
        fencing_token,
        "ending the trial",
        lambda held: held.infeasible(reason),
        request_id,
    )
    _tell(record, as_json=as_json)


def abandon(
    service: Service,
    trial: TrialArgument,
    *,
    reason: Reason = "",
    fencing_token: Token = None,
    request_id: RequestId = None,
    as_json: AsJson = False,
) -> None:
    """Give a trial up."""
    record = _on(
        service,
        trial,
        fencing_token,
        "giving the trial up",
        lambda held: held.abandon(reason),
        request_id,
    )
    _tell(record, as_json=as_json)


def _on(
    service: Service,
    name: str,
    token: int | None,
    what: str,
    action: Any,
    request_id: str | None = None,
) -> Any:
    """What an action on a trial gives."""
    with working(what):
        from hyperbo_service.commands.script_trial import ScriptTrial, trial_name

        parsed = trial_name(name, service.project)
        with service.client(request_id=request_id) as client:
            return action(ScriptTrial(client, parsed, token, service.patience))


def _write(trial: Any, form: FormatName, prefix: str) -> None:
    """Print a trial and nothing else; where its name does not fit in, it goes to the notes."""
    text = written(trial.name, trial.fencing_token, trial.parameters, form, prefix)
    sys.stdout.write(text + "\n")
    if form is FormatName.ARGS:
        note(f"this is {trial.name} with fencing token {trial.fencing_token}")


def _end_without(study: Any) -> None:
    """End a command that found no trial."""
    if study.state == "completed":
        note(f"{study.id} is completed ({study.stop_reason}) and gives no more trials")
        raise typer.Exit(DONE)
    why = "is paused" if study.state == "paused" else "has no trial free: all that are left run"
    note(f"{study.id} {why}; ask again later, or with --wait")
    raise typer.Exit(NONE_FREE)


def _tell(record: Any, *, as_json: bool) -> None:
    if as_json:
        print_json(document(record))
    else:
        say(f"{record.name} is {record.state}.")
