"""Settings of JAX that must stand before it is imported: compiled programs are kept on disk."""

import os
from pathlib import Path


def keep_compiled_programs() -> None:
    """Have JAX keep what it compiles, so that the next process need not compile it again.

    The programs go to `$HYPERBO_HOME/cache`, or the platform's folder for the user's caches.
    Settings that the user made in the environment stand. Worker processes inherit them.
    """
    import platformdirs

    home = os.environ.get("HYPERBO_HOME")
    folder = Path(home) / "cache" if home else platformdirs.user_cache_path("hyperbo")
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder / "programs"))
    # The many tiny ones too: compiling them anew takes longer than reading them.
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
