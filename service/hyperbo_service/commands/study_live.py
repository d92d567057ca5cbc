"""`hyperbo study live`: tune a workload by really training it."""

from typing import Annotated, Any

import typer
from rich.text import Text

from hyperbo_service.choices import OptimizerName, SizeName
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import AsJson
from hyperbo_service.commands.service_options import Service, add_command
from hyperbo_service.console import bars, number, print_json, results, say, table, working
from hyperbo_service.errors import CommandError


def register(group: typer.Typer) -> None:
    """Add the command to the group of studies."""
    add_command(
        group,
        "live",
        live,
        "Tune a workload of hyperbo data collect by really training it, trial by trial.\n\n"
        "`hyperbo study --live WORKLOAD` is the same. The study is an ordinary one, on a server "
        "or with --local in a file: several processes may run this command at once and share it.",
        ("hyperbo study live kjv_gemma_8 --local", "ten trials, from the best prior there is"),
        ("hyperbo study live kjv_gemma_8 --local --prior none", "the same from nothing"),
        ("hyperbo study live mydata_mlp_32 --trials 30 --server tuning:8080", "your own corpus"),
    )


def live(
    service: Service,
    workload: Annotated[
        str,
        typer.Argument(
            metavar="WORKLOAD", help="corpus_architecture_batch; see hyperbo data workloads."
        ),
    ],
    *,
    study: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY", help="The study's id. Default: the workload's own.", show_default=False
        ),
    ] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            metavar="PRIOR",
            help="auto, none, or a stored prior's name@version. Default: auto, or the study's.",
            show_default=False,
        ),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Training runs.")] = 10,
    optimizer: Annotated[OptimizerName, typer.Option(help="What is tuned.")] = (
        OptimizerName.NESTEROV
    ),
    size: Annotated[SizeName, typer.Option(help="Networks and data.")] = SizeName.SMALL,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Of models, batches and suggestions.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Train what the study suggests, and tell what came of it."""
    keep_compiled_programs()
    with working("reading the corpus and compiling the workload"):
        from hyperbo_datasets.collect.collected_table import METRIC
        from hyperbo_datasets.collect.optimizers import OPTIMIZERS
        from hyperbo_datasets.collect.task_names import TaskName
        from hyperbo_datasets.collect.train import Trainer
        from hyperbo_datasets.collect.workloads.catalogue import build
        from hyperbo_datasets.collect.workloads.size import Size
        from hyperbo_service.offline.live import tune

        name = TaskName.parse(workload)
        chosen = OPTIMIZERS[optimizer.value]
        trainer = Trainer(build(name, Size(size.value)), chosen, seed)
    labels = {"workload": str(name), "size": size.value, "seed": str(seed)}
    with service.client() as client:
        opened = client.study(
            study or _study_id(str(name), optimizer, size, seed),
            space=chosen.space,
            metric=METRIC.name,
            goal="minimize",
            prior=prior or "auto",
            early_stopping=None,
            seed=seed,
            labels=labels,
        )
        _check_same(opened, labels, prior)
        with bars() as shown:
            show = _Shown(shown, trainer.workload.steps, trials)
            ended = list(tune(opened, trainer, trials, show))
        _tell(opened, ended, as_json=as_json)


def _study_id(workload: str, optimizer: OptimizerName, size: SizeName, seed: int) -> str:
    """A name of its own for all that is not to be compared, as short as can be."""
    parts = ["live", *workload.split("_"), optimizer.value]
    parts += [] if size is SizeName.SMALL else [size.value]
    return "-".join(parts + ([f"seed{seed}"] if seed else []))


def _check_same(study: Any, labels: dict[str, str], prior: str | None) -> None:
    """Refuse to go on with a study whose trials are not to be compared with those to come.

    Raises:
        CommandError: If it was begun for another workload, size or seed, or from another prior.
    """
    record = study.info()
    for name, wanted in labels.items():
        found = record.labels.get(name)
        if found != wanted:
            raise CommandError(
                f"The study {study.id} was begun with the {name} {found!r}, not {wanted!r}. Name "
                "another one by --study."
            )
    names = (record.prior, record.resolved_prior)
    if prior not in {None, *names, *(name.partition("@")[0] for name in names)}:
        raise CommandError(
            f"The study {study.id} was begun with the prior {record.prior!r}, not {prior!r}. Name "
            "another one by --study, or leave --prior out to go on."
        )


class _Shown:
    """One bar for all runs."""

    def __init__(self, shown: Any, steps: int, trials: int) -> None:
        self._shown, self._steps, self._trials = shown, steps, trials
        self._seen: list[int] = []

    def __call__(self, number: int, found: Any) -> None:
        if number not in self._seen:
            self._seen.append(number)
        done = (len(self._seen) - 1) * self._steps + found.step
        state = "diverged" if found.diverged_at else f"error {found.error_rate:.3f}"
        detail = f"trial {number} at step {found.step}: {state}"
        self._shown.report("training", done, self._trials * self._steps, detail)


def _tell(study: Any, ended: list[Any], *, as_json: bool) -> None:
    best = study.best()
    if as_json:
        print_json(
            {
                "study": study.id,
                "trials": [
                    {
                        "number": each.number,
                        "parameters": each.parameters,
                        "error_rate": each.error_rate,
                        "steps": each.steps,
                        "seconds": each.seconds,
                    }
                    for each in ended
                ],
                "best": None if best is None else best.value,
            }
        )
        return
    names = list(ended[0].parameters) if ended else []
    # The columns of a conditional space would be many, and half of them empty.
    is_flat = all(each.parameters.keys() == set(names) for each in ended)
    heads = [f">{_short(name)}" for name in names] if is_flat else ["configuration"]
    shown = table(">trial", *heads, ">error", ">s")
    for each in ended:
        error = "diverged" if each.error_rate is None else f"{each.error_rate:.4f}"
        is_best = best is not None and each.number == best.number
        cells = {_short(name): _readable(value) for name, value in each.parameters.items()}
        shown.add_row(
            str(each.number),
            *(cells.values() if is_flat else [", ".join(map(" ".join, cells.items()))]),
            Text(error, "bold green" if is_best else ""),
            f"{each.seconds:.1f}",
        )
    results().print(shown)
    if best is not None:
        say(f"Best error [bold]{best.value:.4f}[/] by trial {best.number} of study {study.id}.")
    record = study.info()
    say(f"[dim]Suggested from the prior:[/] {record.resolved_prior or record.prior}")
    say(
        "[dim]Go on:[/] the same command. [dim]Look into it:[/] hyperbo study show "
        f"{study.id}, with the same --local or --server"
    )


def _short(name: str) -> str:
    """The last part of a parameter's name."""
    return name.rpartition(".")[2]


def _readable(value: Any) -> str:
    """A parameter's value as people read it."""
    return value if isinstance(value, str) else number(value)
