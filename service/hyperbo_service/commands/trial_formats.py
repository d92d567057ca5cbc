"""A trial written for a shell: variables to be exported, or arguments of a command."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from hyperbo_service.choices import FormatName
from hyperbo_service.errors import CommandError

TRIAL, TOKEN, ARGS = "HYPERBO_TRIAL", "HYPERBO_FENCING_TOKEN", "HYPERBO_ARGS"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Variables by which a shell, the loader or an interpreter decides what it runs.
_DANGEROUS = re.compile(
    r"PATH|HOME|PWD|OLDPWD|IFS|ENV|BASH.*|SHELL.*|PS[0-9]|PROMPT_COMMAND|CDPATH|GLOBIGNORE|"
    r"LD_.*|DYLD_.*|PYTHON.*|HYPERBO_.*",
    re.IGNORECASE,
)


def written(
    name: str, token: int, parameters: Mapping[str, Any], form: FormatName, prefix: str
) -> str:
    """A trial in a format.

    Args:
        name: Its resource name.
        token: Its fencing token.
        parameters: Its configuration.
        form: The format.
        prefix: Stands before each parameter's name in `env`.

    Raises:
        CommandError: If a parameter cannot be a variable.
    """
    by_name = dict(sorted(parameters.items()))
    match form:
        case FormatName.ENV:
            return as_environment(name, token, by_name, prefix)
        case FormatName.ARGS:
            return as_arguments(by_name)
    document = {"trial": name, "fencing_token": token, "parameters": by_name}
    return json.dumps(document, indent=2)


def as_environment(name: str, token: int, parameters: Mapping[str, Any], prefix: str) -> str:
    """Lines for `eval`: each exports a variable, quoted so that no value can run anything.

    Characters that no variable's name may have become underscores.

    Raises:
        CommandError: If two parameters come to one name, or one to a name with a meaning of its
            own, such as PATH.

    Example:
        >>> print(as_environment("s/1", 2, {"lr": 0.1, "opt": "a b"}, ""))
        export HYPERBO_TRIAL=s/1
        export HYPERBO_FENCING_TOKEN=2
        export HYPERBO_ARGS='--lr=0.1 '"'"'--opt=a b'"'"''
        export lr=0.1
        export opt='a b'
    """
    check_variables(parameters, prefix)
    variables = {TRIAL: name, TOKEN: str(token), ARGS: as_arguments(parameters)}
    variables |= {_variable(each, prefix): _text(value) for each, value in parameters.items()}
    return "\n".join(f"export {each}={shlex.quote(text)}" for each, text in variables.items())


def check_variables(names: Iterable[str], prefix: str) -> None:
    """Refuse parameters that cannot be variables of a shell.

    Raises:
        CommandError: As `as_environment`.
    """
    taken: set[str] = set()
    for name in names:
        variable = _variable(name, prefix)
        if not _NAME.fullmatch(variable) or _DANGEROUS.fullmatch(variable):
            raise CommandError(
                f"The parameter {name!r} cannot be the variable {variable!r}, which has a meaning "
                "of its own or is no name. Give a prefix, such as --prefix hp_, or take --format "
                "json."
            )
        if variable in taken:
            raise CommandError(
                f"Two parameters would be the variable {variable!r}. Take --format json."
            )
        taken.add(variable)


def as_arguments(parameters: Mapping[str, Any]) -> str:
    """Arguments in a line, quoted for a shell.

    Example:
        >>> as_arguments({"lr": 0.1, "layers": 3, "nesterov": True})
        '--lr=0.1 --layers=3 --nesterov=true'
    """
    return shlex.join(f"--{name}={_text(value)}" for name, value in parameters.items())


def _variable(name: str, prefix: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", f"{prefix}{name}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
