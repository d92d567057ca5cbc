"""`hyperbo prior push`, `pull`, `served` and `retire`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from hyperbo.registry import Registry
from hyperbo_service.client import Client, Float, Integer

Cli = Callable[..., Result]
Refusal = Callable[..., str]

TOY = {"rate": Float(1e-4, 1.0, scale="log"), "layers": Integer(1, 8)}


@pytest.fixture
def priors(furnished: Path) -> Path:
    """A registry with the prior `toy@1`."""
    return furnished / "priors"


def test_pushed_prior_serves_studies(cli: Cli, client: Client, priors: Path) -> None:
    """A study may name a prior that was pushed; pushed again it is the same version."""
    for _ in range(2):
        result = cli("prior", "push", "toy", "--as", "vision", "--registry", priors)
        assert "toy@1 is vision@1 on the service." in result.stdout

    study = client.study("new", space=TOY, metric="error", goal="minimize", prior="vision@1")
    study.ask()
    assert study.info().resolved_prior == "vision@1"
    assert [each["prior"] for each in json.loads(cli("prior", "served", "--json").stdout)] == [
        "vision@1"
    ]


def test_pulled_prior_is_the_one_that_was_pushed(cli: Cli, priors: Path, tmp_path: Path) -> None:
    """Weights and lineage arrive as they were sent."""
    cli("prior", "push", "toy@1", "--registry", priors)
    result = cli("prior", "pull", "toy", "--as", "copy", "--registry", tmp_path / "here")

    old = Registry(priors).read_files("toy@1")
    new = Registry(tmp_path / "here").read_files("copy@1")
    assert result.exit_code == 0, result.output
    assert new.identity() == old.identity()
    assert new.weights == old.weights


def test_retired_prior_starts_no_study(
    cli: Cli, refusal: Refusal, client: Client, priors: Path
) -> None:
    """A retired prior is listed as such, and `auto` passes it over."""
    cli("prior", "push", "toy", "--registry", priors)
    assert "toy@1 is retired." in cli("prior", "retire", "toy@1").stdout

    study = client.study("new", space=TOY, metric="error", goal="minimize")
    study.ask()
    assert study.info().resolved_prior == ""
    assert "retired" in cli("prior", "served").stdout
    assert "NAME@VERSION" in refusal("prior", "retire", "toy")


def test_damaged_prior_is_not_pushed(cli: Cli, refusal: Refusal, home: Path) -> None:
    """A prior with a wrong byte is refused here, and does not reach the service."""
    weights = home / "priors" / "toy" / "1" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert "cannot be used" in refusal("prior", "push", "toy", "--registry", home / "priors")
    assert json.loads(cli("prior", "served", "--json").stdout) == []


def test_unknown_prior(refusal: Refusal, tmp_path: Path) -> None:
    """A prior that is nowhere is neither pushed nor pulled; nothing is left behind."""
    assert "No prior" in refusal("prior", "push", "nothing", "--registry", tmp_path / "here")
    refusal("prior", "pull", "nothing@1", "--registry", tmp_path / "here")

    assert not (tmp_path / "here").exists()
