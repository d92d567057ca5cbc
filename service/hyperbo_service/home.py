"""Where a user's data are, if nothing else is said."""

import os
from pathlib import Path

import platformdirs


def data_folder() -> Path:
    """`$HYPERBO_HOME`, or the platform's folder for user data; it may not exist yet."""
    home = os.environ.get("HYPERBO_HOME")
    return Path(home).absolute() if home else platformdirs.user_data_path("hyperbo")


def default_database() -> str:
    """The address of the database that `hyperbo serve` uses."""
    return f"sqlite:///{data_folder() / 'service.db'}"
