"""Settings of JAX: compiled programs are kept on disk."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from hyperbo_service.errors import CommandError


def keep_compiled_programs() -> None:
    """Have JAX keep what it compiles, so that the next process need not compile it again.

    The programs go to `$HYPERBO_HOME/cache`, or the platform's folder for the user's caches.
    Settings that the user made in the environment stand. Worker processes inherit them. Where the
    folder cannot be made, nothing is kept: that costs time, and no result.

    Raises:
        CommandError: If `$HYPERBO_HOME` is no folder, and can be none.
    """
    import platformdirs

    home = os.environ.get("HYPERBO_HOME")
    folder = Path(home) / "cache" if home else platformdirs.user_cache_path("hyperbo")
    if home:
        _check_home(Path(home))
    with suppress(OSError):
        (folder / "programs").mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder / "programs"))
    # The many tiny ones too: compiling them anew takes longer than reading them.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    if "jax" in sys.modules:
        _tell_jax()


def _tell_jax() -> None:
    """Make the settings where JAX was imported before, and so has read the environment."""
    import jax

    for name, read in (
        ("jax_compilation_cache_dir", str),
        ("jax_persistent_cache_min_compile_time_secs", float),
        ("jax_persistent_cache_min_entry_size_bytes", int),
    ):
        if name.upper() in os.environ:
            jax.config.update(name, read(os.environ[name.upper()]))  # type: ignore[no-untyped-call]


def _check_home(home: Path) -> None:
    """Refuse a home that is a file, or lies below one."""
    for place in (home, *home.parents):
        if place.exists():
            if not place.is_dir():
                raise CommandError(
                    f"HYPERBO_HOME is {home}, but {place} is a file. Set it to a folder, or unset "
                    "it."
                )
            return
