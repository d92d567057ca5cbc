"""Where a user's data are, if nothing else is said."""

import os
from pathlib import Path

import platformdirs

from hyperbo_service.config import ServerConfig


def data_folder() -> Path:
    """`$HYPERBO_HOME`, or the platform's folder for user data; it may not exist yet."""
    home = os.environ.get("HYPERBO_HOME")
    return Path(home).absolute() if home else platformdirs.user_data_path("hyperbo")


def database_of(config: ServerConfig) -> str:
    """The address of the configuration's database; the folder of the default one is made."""
    if config.database:
        return config.database
    folder = data_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'service.db'}"


def registry_of(config: ServerConfig) -> Path:
    """Where the priors of the project `default` are."""
    return config.registry or data_folder() / "priors"
