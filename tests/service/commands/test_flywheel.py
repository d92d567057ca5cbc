"""`hyperbo pretrain --from-service`: studies finish, a prior learns from them, new ones use it."""

import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hyperbo.registry import Registry
from hyperbo_service.cli import app
from hyperbo_service.client import Client, Float
from hyperbo_service.errors import PermissionDeniedError

SPACE = {"rate": Float(1e-4, 1.0, scale="log"), "dropout": Float(0.0, 0.9)}
TRIALS = 12

Cli = Callable[..., Result]
Local = Callable[..., Result]


def finish_studies(client: Client, count: int, *, team: str = "vision") -> None:
    """Complete studies of one space, each with its own optimum, a failed and a bad trial."""
    rng = np.random.default_rng(0)
    for number in range(count):
        study = client.study(
            f"{team}-{number}",
            space=SPACE,
            metric="accuracy",
            goal="maximize",
            prior="none",
            labels={"team": team},
        )
        rates, drops = 10 ** rng.uniform(-4, 0, TRIALS), rng.uniform(0, 0.9, TRIALS)
        values = 0.9 - 0.05 * number - 0.05 * (np.log10(rates) + 2.0) ** 2 - 0.1 * drops
        study.import_trials(
            [
                {"parameters": {"rate": rate, "dropout": drop}, "value": value}
                for rate, drop, value in zip(rates, drops, values, strict=True)
            ]
        )
        bad = {"parameters": {"rate": 1.0, "dropout": 0.9}, "state": "infeasible"}
        broken = {"parameters": {"rate": 0.01, "dropout": 0.0}, "state": "failed"}
        study.import_trials([bad, broken])
        study.finish()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file of four completed studies of one team and one of another, and one that runs."""
    path = tmp_path / "home" / "local.db"
    path.parent.mkdir()
    with Client.local(path) as client:
        finish_studies(client, 4)
        finish_studies(client, 1, team="text")
        client.study("running", space=SPACE, metric="accuracy", goal="maximize")
    return path


@pytest.fixture
def local(tmp_path: Path, database: Path) -> Local:
    """Run the command line on the file, in a home of its own."""
    runner = CliRunner(env={"HYPERBO_HOME": str(tmp_path / "home"), "COLUMNS": "120"})

    def invoke(*arguments: str) -> Result:
        return runner.invoke(app, ["pretrain", "--from-service", f"--local={database}", *arguments])

    return invoke


@pytest.fixture
def other_space(database: Path) -> None:
    """Three more completed studies, of another space."""
    with Client.local(database) as client:
        for number in range(3):
            space = {"x": Float(0.0, 1.0)}
            study = client.study(f"x-{number}", space=space, metric="loss", goal="minimize")
            study.import_trials(
                [{"parameters": {"x": i / 20}, "value": i * (1.0 + number)} for i in range(11)]
            )
            study.finish()


def test_new_studies_start_from_what_old_ones_taught(
    local: Local, database: Path, tmp_path: Path
) -> None:
    """The prior is stored with its lineage, uploaded, and used by a new `auto` study."""
    result = local("--filter", 'labels.team = "vision"', "--steps", "20", "--json")

    document = json.loads(result.stdout)
    manifest = Registry(tmp_path / "home" / "priors").load(document["prior"]).manifest
    lineage = manifest.notes["service"]
    assert manifest.training.tasks == tuple(f"vision-{number}" for number in range(4))
    assert lineage["studies"] == dict.fromkeys(manifest.training.tasks, TRIALS + 1)
    assert lineage["filter"] == 'labels.team = "vision"'
    assert manifest.space is not None
    assert lineage["space_sha256"] == manifest.space.digest()
    assert str(database) in lineage["server"]
    with Client.local(database) as client:
        study = client.study("new", space=SPACE, metric="accuracy", goal="maximize")
        with study.ask() as trial:
            trial.complete(0.5)
        assert document["uploaded"] == study.info().resolved_prior == document["prior"]


def test_default_name_is_the_spaces(local: Local) -> None:
    """Trained twice, the same space gives two versions of one name; what was done is said."""
    first, second = (local("--steps", "2", "--hold-out", "text-0") for _ in range(2))

    assert "5 studies with 65 trials fit" in first.stderr
    assert "Uploaded as studies-" in first.stdout
    assert "held out" in first.stdout
    name = next(word for word in second.stdout.split() if word.startswith("studies-"))
    assert name.rstrip(":").endswith("@2")


def test_refused_upload_leaves_the_prior_here(
    local: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the service refuses the prior, it is stored here all the same, and that is said."""
    refused = PermissionDeniedError("Your token may not store priors.")
    monkeypatch.setattr(Client, "upload_prior", Mock(side_effect=refused))
    result = local("--steps", "2", "--name", "kept", "--json")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "may not store priors. kept@1 is stored here; push it later." in result.stderr
    assert str(Registry(tmp_path / "home" / "priors").resolve("kept")) == "kept@1"


def test_too_few_studies_names_what_there_is(local: Local, tmp_path: Path) -> None:
    """Where too few fit, the error says how many there are of what; nothing is stored."""
    few = local("--filter", 'labels.team = "text"')
    small = local("--min-trials", "14")

    assert (few.exit_code, small.exit_code) == (2, 2)
    assert "Studies that fit: 1" in few.stderr
    assert "text-0 (to maximize accuracy, 2 parameters)" in few.stderr
    assert "5 of them with fewer than 14 finished trials" in small.stderr
    assert not (tmp_path / "home" / "priors").exists()


@pytest.mark.usefixtures("other_space")
def test_several_spaces_need_a_word(local: Local) -> None:
    """With studies of two spaces one says which; a study that runs may be the model."""
    unclear = local()
    clear = local("--like", "running", "--steps", "2", "--no-upload", "--json")

    assert unclear.exit_code == 2
    assert "There are 2 kinds of studies" in unclear.stderr
    assert json.loads(clear.stdout)["uploaded"] is None
    assert len(json.loads(clear.stdout)["tasks"]) == 5


@pytest.mark.usefixtures("other_space")
def test_space_file_says_the_warp(local: Local, tmp_path: Path) -> None:
    """A space file chooses the studies, and how a model sees their metric."""
    warp = {"kind": "negative_log_error", "scale": 100.0, "epsilon": 0.5}
    parameters = [{"type": "float", "name": "x", "low": 0.0, "high": 1.0}]
    metric = {"name": "loss", "goal": "minimise", "warp": warp}
    (tmp_path / "x.json").write_text(json.dumps({"parameters": parameters, "metric": metric}))

    result = local("--space", str(tmp_path / "x.json"), "--steps", "2", "--name", "x", "--json")

    manifest = Registry(tmp_path / "home" / "priors").load("x@1").manifest
    assert json.loads(result.stdout)["tasks"] == ["x-0", "x-1", "x-2"]
    assert manifest.metric is not None
    assert (manifest.metric["name"], manifest.metric["warp"]) == ("loss", warp)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--like", "running", "--space", "space.json"), "not both"),
        (("lcbench",), "'lcbench' is a table"),
        (("--model", "hierarchical"), "Choose another --model"),
        (("--like", "nowhere"), "There is no study"),
        (("--name", "My Prior!"), "no name of a prior"),
    ],
)
def test_what_does_not_go_together(local: Local, arguments: tuple[str, ...], word: str) -> None:
    """Options that contradict each other are refused in one line."""
    result = local(*arguments)

    assert result.exit_code == 2
    assert word in " ".join(result.stderr.split())


def test_options_of_studies_need_the_service(cli: Cli) -> None:
    """Without `--from-service`, what says which studies is refused and not passed over."""
    for arguments in (("toy", "--like", "digits"), ("toy", "--local"), ()):
        result = cli("pretrain", *arguments)
        assert result.exit_code == 2
        assert "--from-service" in result.stderr


def test_over_the_wire(cli: Cli, client: Client) -> None:
    """The same from a server; its address is in the lineage, and the prior is served."""
    finish_studies(client, 3)
    result = cli("pretrain", "--from-service", "--steps", "2", "--name", "vision", "--json")

    document = json.loads(result.stdout)
    assert document["uploaded"] == "vision@1"
    assert document["settings"]["service"]["project"] == client.project
    assert [each.reference for each in client.priors()] == ["vision@1"]
