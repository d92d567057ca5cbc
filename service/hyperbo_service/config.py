"""Settings of the server: from flags, the environment, one TOML file, or defaults, in that order.

A setting `port` is the flag `--port`, the variable `HYPERBO_PORT`, and the key `port` of the file
that `--config` or `HYPERBO_CONFIG` names.
"""

import difflib
import ipaddress
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_type_hints

from hyperbo_service.errors import SettingError

PREFIX = "HYPERBO_"
CALLS_PER_SECOND = 1000.0
"""Limit of a token that names none."""
LARGEST_MESSAGE = 16 * 2**20
"""Limit of a message in bytes."""

_OTHER_VARIABLES = frozenset(
    {"CA", "CERT", "CONFIG", "HOME", "KEY", "PROJECT", "SERVER", "TOKEN", "TRACEBACK"}
)
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class About:
    """What there is to know of a setting besides its type and default.

    Attributes:
        meaning: What it does.
        shown: What the documentation shows as its default; empty for the default itself.
        low: Least value; None if there is none.
        high: Largest value; None if there is none.
        choices: The words there are; empty if any will do.
    """

    meaning: str
    shown: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Every setting of a server; `docs/reference/configuration.md` says what each means."""

    host: Annotated[str, About("Address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, About("Port to listen on; 0 takes any that is free.", low=0, high=65535)
    ] = 8080
    database: Annotated[
        str,
        About(
            "The database: `sqlite:///path/to/file.db` or `postgresql://user@host:5432/name`.",
            "`service.db` in the user's data folder",
        ),
    ] = ""
    registry: Annotated[
        Path | None,
        About(
            "Folder of pre-trained priors that the project `default` may use.",
            "`priors` in the user's data folder",
        ),
    ] = None
    tls_certificate: Annotated[
        Path | None,
        About("PEM file with the server's certificate chain; turns TLS on.", "no TLS"),
    ] = None
    tls_key: Annotated[
        Path | None, About("PEM file with the certificate's private key.", "no TLS")
    ] = None
    tls_client_authority: Annotated[
        Path | None,
        About(
            "PEM file with the authority that clients' certificates must be signed by (mTLS).",
            "clients need no certificate",
        ),
    ] = None
    require_tokens: Annotated[
        bool | None,
        About(
            "Whether every call must bear a token that `hyperbo token create` made.",
            "`true` off loopback unless `insecure`, else `false`",
        ),
    ] = None
    insecure: Annotated[
        bool,
        About("Allow a server off loopback without TLS or tokens: anybody may do anything."),
    ] = False
    default_lease: Annotated[
        float,
        About(
            "Seconds that a trial is leased for if the client does not say.",
            low=1.0,
            high=30 * 86400.0,
        ),
    ] = 60.0
    max_message_bytes: Annotated[
        int, About("Largest message, in bytes; tokens may have less.", low=65536, high=2**30)
    ] = LARGEST_MESSAGE
    calls_per_second: Annotated[
        float,
        About(
            "Calls per second of each token that has no limit of its own; twice as many at once.",
            low=0.01,
            high=1e6,
        ),
    ] = CALLS_PER_SECOND
    threads: Annotated[
        int, About("Calls that are answered at the same time; more wait.", low=2, high=4096)
    ] = 128
    max_watchers: Annotated[
        int,
        About("Watches of studies at the same time; each takes one thread.", low=0, high=4095),
    ] = 32
    metrics_port: Annotated[
        int | None,
        About(
            "Port of Prometheus metrics; 0 takes any that is free.",
            "no metrics",
            low=0,
            high=65535,
        ),
    ] = None
    metrics_host: Annotated[
        str, About("Address that metrics are served on, to everybody who reaches it.")
    ] = "127.0.0.1"
    log_level: Annotated[
        str,
        About("The least that is logged.", choices=("debug", "info", "warning", "error")),
    ] = "info"
    log_format: Annotated[
        str,
        About(
            "How a line of the log looks; `auto` is text on a terminal and JSON elsewhere.",
            choices=("auto", "json", "text"),
        ),
    ] = "auto"
    otel_endpoint: Annotated[
        str,
        About(
            "OpenTelemetry collector that takes spans over gRPC, such as `http://localhost:4317`.",
            "no spans",
        ),
    ] = ""
    drain_seconds: Annotated[
        float,
        About(
            "Seconds that running calls have to end when the server stops.", low=0.0, high=3600.0
        ),
    ] = 30.0

    @property
    def is_exposed(self) -> bool:
        """Whether others than this machine's users reach it."""
        try:
            return not ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return self.host != "localhost"

    @property
    def needs_tokens(self) -> bool:
        """Whether every call must bear a token."""
        if self.require_tokens is None:
            return self.is_exposed and not self.insecure
        return self.require_tokens


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as flags, documentation and checks see it.

    Attributes:
        name: Its name in the file.
        kind: The class of its values.
        default: Its value if nothing is said.
        about: What else there is to know.
    """

    name: str
    kind: type
    default: Any
    about: About

    @property
    def flag(self) -> str:
        """E.g. `--tls-key`."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """E.g. `HYPERBO_TLS_KEY`."""
        return PREFIX + self.name.upper()

    @property
    def wanted(self) -> str:
        """What its values are, in words."""
        about = self.about
        if about.choices:
            return f"one of {', '.join(about.choices)}"
        words = {bool: "true or false", int: "a whole number", float: "a number", Path: "a path"}
        said = words.get(self.kind, "a text")
        return said if about.low is None else f"{said} from {about.low:g} to {about.high:.12g}"


def settings() -> Iterator[Setting]:
    """Every setting, in order."""
    hints = get_type_hints(ServerConfig, include_extras=True)
    for each in fields(ServerConfig):
        hint, about = get_args(hints[each.name])
        kind = next((part for part in get_args(hint) if part is not NoneType), hint)
        yield Setting(each.name, kind, each.default, about)


def read_config(
    flags: Mapping[str, object], environment: Mapping[str, str], file: Path | None = None
) -> ServerConfig:
    """The server's configuration.

    Args:
        flags: Settings by name; None stands for one that was not given.
        environment: The environment's variables.
        file: A TOML file; None for the one that `HYPERBO_CONFIG` names, if any.

    Raises:
        SettingError: If a setting is unknown, has the wrong type or value, or does not go with
            another; the message names it, where it was set, and the remedy.
    """
    named = environment.get(PREFIX + "CONFIG")
    path = Path(named) if file is None and named else file
    known = {each.name: each for each in settings()}
    values: dict[str, object] = {}
    if path is not None:
        values |= _from_file(path, known)
    values |= _from_environment(environment, known)
    for name, given in flags.items():
        if given is not None:
            values[name] = _checked(known[name], given, f"{known[name].flag}")
    config = ServerConfig(**values)  # type: ignore[arg-type] # each was checked
    _check(config)
    return config


def _from_file(path: Path, known: Mapping[str, Setting]) -> dict[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(
            f"The configuration {path} cannot be read: {error.strerror}. Check --config or "
            "HYPERBO_CONFIG."
        ) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise SettingError(f"The configuration {path} is not TOML: {error}.") from error
    values = {}
    for name, given in document.items():
        if name not in known:
            raise SettingError(
                f"{name!r} in {path} is not a setting. {_advice(name, known)} "
                "docs/reference/configuration.md lists them all."
            )
        value = _checked(known[name], given, f"{name} in {path}")
        values[name] = path.parent.absolute() / value if isinstance(value, Path) else value
    return values


def _from_environment(
    environment: Mapping[str, str], known: Mapping[str, Setting]
) -> dict[str, object]:
    values = {}
    for variable, text in environment.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or not text or name.upper() in _OTHER_VARIABLES:
            continue
        if name in known:
            values[name] = _checked(known[name], _read(known[name], text), variable)
        elif difflib.get_close_matches(name, known, n=1, cutoff=0.8):
            # Others may have variables with our prefix; only what looks misspelt is refused.
            raise SettingError(f"{variable} is not a setting. {_advice(name, known)}")
    return values


def _read(setting: Setting, text: str) -> object:
    """A variable's text as a value; the text itself if it is none."""
    if setting.kind is bool:
        lowered = text.lower()
        return lowered in _TRUE if lowered in (*_TRUE, *_FALSE) else text
    if setting.kind in (int, float):
        try:
            return setting.kind(text)
        except ValueError:
            return text
    return text


def _checked(setting: Setting, given: object, source: str) -> object:
    value = given
    if setting.kind is float and isinstance(given, int) and not isinstance(given, bool):
        value = float(given)
    if setting.kind is Path and isinstance(given, str) and given:
        value = Path(given)
    is_right = isinstance(value, setting.kind) and isinstance(value, bool) == (setting.kind is bool)
    about = setting.about
    if is_right and about.low is not None:
        is_right = about.low <= value <= about.high  # type: ignore[operator]
    if is_right and about.choices:
        is_right = value in about.choices
    if not is_right:
        raise SettingError(
            f"{source} is {given!r}; wanted {setting.wanted}. Correct it, or leave it out."
        )
    return value


def _advice(name: str, known: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else "Remove it."


def _check(config: ServerConfig) -> None:
    """Refuse settings that do not go together."""
    if (config.tls_certificate is None) != (config.tls_key is None):
        missing = "tls_key" if config.tls_key is None else "tls_certificate"
        raise SettingError(f"TLS needs tls_certificate and tls_key; set {missing} too.")
    if config.tls_client_authority is not None and config.tls_certificate is None:
        raise SettingError(
            "tls_client_authority is set without TLS; set tls_certificate and tls_key too."
        )
    if config.max_watchers >= config.threads:
        raise SettingError(
            f"max_watchers is {config.max_watchers} and threads is {config.threads}, so watches "
            "could take every thread. Raise threads, or lower max_watchers."
        )
    if config.otel_endpoint and not config.otel_endpoint.startswith(("http://", "https://")):
        raise SettingError(
            f"otel_endpoint is {config.otel_endpoint!r}; wanted http://host:port, or https:// for "
            "TLS."
        )
    if config.is_exposed and not config.insecure:
        _check_safe(config)


def _check_safe(config: ServerConfig) -> None:
    """Refuse to be reached from elsewhere without TLS and tokens."""
    missing = []
    if config.tls_certificate is None:
        missing.append("TLS (set tls_certificate and tls_key)")
    if not config.needs_tokens:
        missing.append("tokens (leave require_tokens out, or set it to true)")
    if missing:
        raise SettingError(
            f"host is {config.host!r}, which others can reach, but there is no "
            f"{' and no '.join(missing)}. Or set host to 127.0.0.1; or set insecure = true "
            "(--insecure), and everybody who reaches the port may do anything with all studies."
        )
