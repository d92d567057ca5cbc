"""`hyperbo serve`: the tuning service, on this machine's loopback unless told otherwise."""

import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from hyperbo.errors import MissingExtraError
from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import examples
from hyperbo_service.config import ServerConfig, Setting, read_config, settings
from hyperbo_service.console import facts, note, results, say, working
from hyperbo_service.logs import LogFormat, start_logs


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command(
        "serve",
        help="Serve studies over gRPC until Ctrl-C or SIGTERM.\n\n"
        "Without options: on loopback, with a SQLite database in your user data folder. Every "
        "option may also be a variable of the environment (--port: HYPERBO_PORT) or a key of the "
        "file that --config names.",
        epilog=examples(
            ("hyperbo serve", "for programs on this machine"),
            ("hyperbo serve --database postgresql://db.internal/hyperbo --port 0", "any free port"),
            ("hyperbo serve --host 0.0.0.0 --tls-certificate a.pem --tls-key a.key", "for others"),
            ("hyperbo serve --config server.toml", "all settings in one file"),
        ),
    )(_with_flags(serve))


def serve(config_file: Path | None, flags: dict[str, object]) -> None:
    """Serve until told to stop.

    Args:
        config_file: The TOML file, if one is named.
        flags: Settings by name; None for those that were not given.
    """
    config = read_config(flags, os.environ, config_file)
    keep_compiled_programs()
    stop_logs = start_logs(config.log_level, LogFormat(config.log_format))
    try:
        with _tracing(config):
            _serve(config)
    finally:
        stop_logs()


def _serve(config: ServerConfig) -> None:
    with working("starting"):
        from hyperbo_service.server import wait_for_signal
        from hyperbo_service.serving import serving
    with serving(config) as running:
        _tell(config, running)
        wait_for_signal()
        note("stopping; running calls may still end")


@contextmanager
def _tracing(config: ServerConfig) -> Iterator[None]:
    if not config.otel_endpoint:
        yield
        return
    try:
        from hyperbo_service.telemetry import start_tracing
    except ImportError as error:
        raise MissingExtraError(
            f"otel_endpoint is set, but {error.name} is not installed. Install the extra: "
            "pip install 'hyperbo[server,telemetry]'"
        ) from error
    stop = start_tracing(config.otel_endpoint)
    try:
        yield
    finally:
        stop()


def _tell(config: ServerConfig, running: Any) -> None:
    """Say where the server is, how to connect, where the data are, and how to stop."""
    from hyperbo_service.home import database_of
    from hyperbo_service.storage.engines import parse_url

    address = running.server.address
    database = parse_url(database_of(config))
    has_tls = config.tls_certificate is not None
    lines = {
        "database": str(database.database if _is_file(database) else database),
        "TLS": _yes_no(has_tls)
        + (", with clients' certificates" * bool(config.tls_client_authority)),
        "tokens": "needed: hyperbo token create NAME" if config.needs_tokens else "not needed",
        "stop": "Ctrl-C, or SIGTERM",
    }
    if running.metrics_server is not None:
        lines["metrics"] = f"http://{config.metrics_host}:{running.metrics_server.port}/metrics"
    say(f"HyperBO serves on [bold]{escape(address)}[/]\n")
    results().print(facts(lines))
    target = f"grpcs://{address}" if has_tls else address
    say("\n[bold]Connect[/]")
    for line in _snippet(target, needs_token=config.needs_tokens):
        say(f"  [green]{escape(line)}[/]")
    say("")
    if config.is_exposed and config.insecure:
        note("insecure is set: everybody who reaches this port may do anything with every study")


def _snippet(target: str, *, needs_token: bool) -> tuple[str, ...]:
    """A whole program that connects and runs one trial."""
    token = ', token="hbo_..."' if needs_token else ""
    client = f'Client("{target}"{token})'
    return (
        "from hyperbo_service.client import Client, Float",
        f'study = {client}.study("demo", space={{"x": Float(0, 1)}}, metric="y", goal="maximize")',
        'with study.ask() as trial: trial.complete(1 - trial.parameters["x"])',
    )


def _is_file(database: Any) -> bool:
    return bool(database.get_backend_name() == "sqlite" and database.database)


def _yes_no(truth: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if truth else "no"


def _with_flags(command: Callable[[Path | None, dict[str, object]], None]) -> Callable[..., None]:
    """Give a command a flag for every setting, and `--config`."""

    @functools.wraps(command)
    def run(config: Path | None = None, **flags: object) -> None:
        command(config, flags)

    config = Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="TOML file.", show_default=False),
    ]
    parameters = [_parameter("config", config), *(_flag(each) for each in settings())]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _flag(setting: Setting) -> inspect.Parameter:
    metavar = {int: "NUMBER", float: "NUMBER", Path: "FILE"}.get(setting.kind, "TEXT")
    if setting.about.choices:
        metavar = "|".join(setting.about.choices)
    default = setting.about.shown or ("" if setting.default is False else str(setting.default))
    meaning = setting.about.meaning + (f" Default: {default}." if default else "")
    flag = setting.flag
    if setting.kind is bool:
        option = typer.Option(
            f"{flag}/--no-{flag[2:]}", metavar="", help=_plain(meaning), show_default=False
        )
    else:
        option = typer.Option(flag, metavar=metavar, help=_plain(meaning), show_default=False)
    return _parameter(setting.name, Annotated[setting.kind | None, option])


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _plain(text: str) -> str:
    return escape(text.replace("`", ""))
