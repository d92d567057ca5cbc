"""Where the service is and who asks: the options that all commands of the service share."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer
from typer.core import TyperCommand

from hyperbo_service.commands.numerics import keep_compiled_programs
from hyperbo_service.commands.options import examples
from hyperbo_service.console import working
from hyperbo_service.errors import CommandError, ServiceError

StudyId = Annotated[str, typer.Argument(metavar="STUDY", help="The study's id.")]

PANEL = "Connection"
PATIENCE = 60.0
"""Seconds for which a server that is down or restarting is waited for."""

_NEGATIVE = re.compile(r"-(\.?[0-9]|inf|nan)")
_FILE_SIGNS = (".db", ".sqlite", ".sqlite3")

_HINTS = {
    "root_certificates": "--ca FILE",
    "tls=True": "--tls",
    "insecure=True": "--insecure",
    "token": "$HYPERBO_TOKEN",
}

Arguments = ParamSpec("Arguments")


@dataclass(frozen=True)
class Service:
    """The service that a command speaks to; making one sends nothing.

    Attributes:
        server: Its address; None: the environment's, else `localhost:8080`.
        local: A database file to use without a server; empty: the usual one; None: there is one.
        project: Whose studies and priors.
        token: Bearer token; None: the environment's, if set.
        tls: Whether to use TLS where the address does not say.
        ca: PEM file of who signed the server's certificate.
        certificate: PEM file of this client's certificate.
        key: PEM file of its key.
        insecure: Whether a token may go over the network in clear.
        patience: Seconds for which a call that fails for a passing reason is repeated.
    """

    server: str | None
    local: str | None
    project: str
    token: str | None
    tls: bool
    ca: Path | None
    certificate: Path | None
    key: Path | None
    insecure: bool
    patience: float

    @property
    def is_given(self) -> bool:
        """Whether the command line says where it is."""
        return self.server is not None or self.local is not None

    @property
    def address(self) -> str:
        """Where it is, for people and for a prior's lineage."""
        if self.local is not None:
            return f"local file {self.local or 'of this user'}"
        from hyperbo_service.client import Endpoint

        return Endpoint(self.server, tls=True).target

    @contextmanager
    def client(
        self, *, request_id: str | None = None, client_id: str | None = None
    ) -> Iterator[Any]:
        """A client of the service, closed at the end.

        Args:
            request_id: The id that the first changing call shall bear; None: a random one.
            client_id: Under which name trials are asked for; None: a new one.

        Raises:
            HyperBOError: If it cannot be made from these options.
        """
        from hyperbo_service.client import Client
        from hyperbo_service.commands.request_ids import GivenRequestId

        try:
            transport = self._transport()
            if request_id is not None:
                transport = GivenRequestId(transport, request_id)
            with Client(
                project=self.project,
                transport=transport,
                client_id=client_id,
                patience=self.patience,
            ) as client:
                yield client
        except ServiceError as error:
            # The client speaks of its arguments; a command's options are called otherwise.
            hints = [hint for word, hint in _HINTS.items() if word in str(error)]
            if hints:
                error.add_note(f"On the command line: {', '.join(hints)}.")
            raise

    @contextmanager
    def asked(self, what: str, *, request_id: str | None = None) -> Iterator[Any]:
        """As `client`, with a spinner while the block runs.

        Args:
            what: What is being done, for people.
            request_id: As for `client`.
        """
        with working(what), self.client(request_id=request_id) as client:
            yield client

    def _transport(self) -> Any:
        from hyperbo_service.client import Endpoint, GrpcTransport
        from hyperbo_service.client.local import open_local

        if self.local is None:
            endpoint = Endpoint(
                self.server,
                token=self.token,
                tls=self.tls or None,
                root_certificates=self.ca,
                private_key=self.key,
                certificate_chain=self.certificate,
                insecure=self.insecure,
            )
            return GrpcTransport(endpoint)
        if self.server is not None:
            raise CommandError("--local is without a server; leave out --server, or --local.")
        keep_compiled_programs()
        return open_local(self.local or None)


def on_service(
    command: Callable[Concatenate[Service, Arguments], None],
) -> Callable[..., None]:
    """Give a command the options of the connection; it is called with a `Service` first."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        given = {name: options.pop(name) for name in _OPTIONS}
        command(Service(**given), *args, **options)

    signature = inspect.signature(command, eval_str=True)
    _, *own = signature.parameters.values()
    shared = inspect.signature(_options, eval_str=True).parameters.values()
    parameters = [*own, *shared]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": None}
    return run


def add_command(
    group: typer.Typer,
    name: str,
    command: Callable[Concatenate[Service, Arguments], None],
    text: str,
    *lines: tuple[str, str],
) -> None:
    """Add a command of the service to a group.

    Args:
        group: The group.
        name: The command's name.
        command: What it does; its first argument is the `Service`.
        text: Its help.
        lines: Its examples, see `examples`.
    """
    group.command(name, cls=ServiceCommand, help=text, epilog=examples(*lines))(on_service(command))


class ServiceCommand(TyperCommand):
    """A command whose arguments may be negative numbers, with `--local [FILE]`.

    The value of `--local` may be left out. A word after it is its value if it looks like a file: if
    it holds a slash, or ends in `.db`, `.sqlite` or `.sqlite3`. Any other file is given as
    `--local=FILE`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Make arguments of what would be taken for options."""
        return super().parse_args(ctx, parsable(args))


def parsable(args: Sequence[str]) -> list[str]:
    """Arguments in which every `--local` has a value, and no number looks like an option.

    Example:
        >>> parsable(["show", "--local", "digits", "--json"])
        ['show', '--local=', 'digits', '--json']
        >>> parsable(["--local", "runs/trials.db", "digits", "-0.5"])
        ['--local=runs/trials.db', 'digits', ' -0.5']
    """
    found: list[str] = []
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*found, word, *rest]
        if word == "--local":
            has_file = bool(rest) and (rest[0].endswith(_FILE_SIGNS) or "/" in rest[0])
            word = f"--local={rest.pop(0) if has_file else ''}"
        elif _NEGATIVE.match(word):
            word = f" {word}"
        found.append(word)
    return found


def _options(
    *,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Address of the server, or grpcs://HOST:PORT. Default: $HYPERBO_SERVER, else "
            "localhost:8080.",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    local: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE]",
            help="No server: use this database file, or your own. A name without a slash that "
            "does not end in .db is given as --local=FILE.",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    project: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            envvar="HYPERBO_PROJECT",
            help="Whose studies and priors.",
            rich_help_panel=PANEL,
        ),
    ] = "default",
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            help="Bearer token. Better given as $HYPERBO_TOKEN: arguments can be seen by others.",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Use TLS, as for grpcs://.", rich_help_panel=PANEL)
    ] = False,
    ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="HYPERBO_CA",
            help="PEM of who signed the server's certificate; implies --tls.",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--cert",
            metavar="FILE",
            envvar="HYPERBO_CERT",
            help="PEM of this client's certificate, for mutual TLS.",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="HYPERBO_KEY",
            help="PEM of its key.",
            rich_help_panel=PANEL,
            show_default=False,
        ),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            help="Let a token go over the network in clear.",
            rich_help_panel=PANEL,
        ),
    ] = False,
    patience: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="SECONDS",
            help="How long to wait for a server that is down or restarting.",
            rich_help_panel=PANEL,
        ),
    ] = PATIENCE,
) -> None:
    """The options that `on_service` adds, with their help."""


_OPTIONS = tuple(inspect.signature(_options).parameters)
