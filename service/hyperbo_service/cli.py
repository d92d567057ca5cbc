"""The `hyperbo` command: assembles the command groups, and turns errors into one clear line."""

import _thread
import os
import sys
import threading
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hyperbo.errors import HyperBOError
from hyperbo_service.commands import (
    data,
    db,
    pretrain,
    prior,
    quickstart,
    serve,
    study,
    suggest,
    token,
    trial,
)
from hyperbo_service.console import fail, messages

REFUSED, UNEXPECTED, INTERRUPTED = 2, 1, 130
"""Exit codes: what was asked cannot be done; a fault of ours; Ctrl-C."""

# Modules of the extra `server`; every other missing module is a fault and not a missing extra.
_SERVER_MODULES = frozenset(
    {
        "alembic",
        "equinox",
        "gpjax",
        "grpc_health",
        "grpc_reflection",
        "jax",
        "jaxlib",
        "jaxtyping",
        "numpy",
        "numpyro",
        "opentelemetry",
        "optax",
        "pandas",
        "paramax",
        "platformdirs",
        "plotly",
        "prometheus_client",
        "psycopg",
        "pyarrow",
        "safetensors",
        "scipy",
        "sqlalchemy",
        "threadpoolctl",
    }
)


class _Commands(TyperGroup):
    """The top group; whatever a command raises ends here, without a stack trace."""

    def invoke(self, ctx: Any) -> Any:  # Typer brings its own Click, which is not public
        try:
            return super().invoke(ctx)
        except HyperBOError as error:
            fail(" ".join([str(error), *getattr(error, "__notes__", ())]))
            raise typer.Exit(REFUSED) from error
        except KeyboardInterrupt as error:
            messages().print("\n[yellow]Stopped.[/] Nothing half-written is left behind.")
            raise typer.Exit(INTERRUPTED) from error
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in _SERVER_MODULES:
                raise
            fail(
                f"This command needs {error.name}, which the base install leaves out. Install the "
                "extra: pip install 'hyperbo[server]'"
            )
            raise typer.Exit(REFUSED) from error
        except BrokenPipeError:
            raise  # whoever read the output has had enough; Typer ends quietly
        except OSError as error:
            # Not a fault: a missing file, a full disk, a folder nobody may write to.
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}. Check the path, permissions and free space.")
            raise typer.Exit(REFUSED) from error


app = typer.Typer(
    cls=_Commands,
    name="hyperbo",
    help=(
        "Tune hyperparameters starting from a prior that was [bold]pre-trained on the tuning "
        "results of other tasks[/].\n\n"
        "New here? Run [cyan]hyperbo quickstart[/]: it pre-trains a prior on real data and tunes a "
        "task that the prior has never seen, in about two minutes."
    ),
    epilog="Every command explains itself with examples: [cyan]hyperbo COMMAND --help[/]",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _print_version(is_asked: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if is_asked:
        typer.echo(f"hyperbo {metadata.version('hyperbo')}")
        raise typer.Exit


@app.callback()
def top(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Options that concern no command."""


quickstart.register(app)
data.register(app)
pretrain.register(app)
prior.register(app)
suggest.register(app)
study.register(app)
trial.register(app)
serve.register(app)
token.register(app)
db.register(app)


def repeat_swallowed_interrupt(unraisable: Any) -> None:
    """Raise Ctrl-C once more where it hit a callback that cannot raise, such as one of JAX's.

    Python would print a stack trace there, and the command would go on to its end.
    """
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        threading.Timer(0.05, _thread.interrupt_main).start()
    else:
        sys.__unraisablehook__(unraisable)


def main() -> None:
    """Run the command line, as `hyperbo` does."""
    sys.unraisablehook = repeat_swallowed_interrupt
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get("HYPERBO_TRACEBACK"):
            raise
        fail(
            f"unexpected {type(error).__name__}: {error}. This is a fault of HyperBO; set "
            "HYPERBO_TRACEBACK=1 and run the command again to see where, and please report it."
        )
        sys.exit(UNEXPECTED)


if __name__ == "__main__":
    main()
