"""The package must live beside Hugging Face's `datasets`, and import lightly."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import hyperbo_datasets

FOLDER = Path(hyperbo_datasets.__file__).parent


def test_the_name_datasets_is_not_taken() -> None:
    """Whatever `import datasets` finds, it is no package of ours: at most a bare folder."""
    assert not (FOLDER.parent / "__init__.py").exists()
    found = importlib.util.find_spec("datasets")
    assert found is None or found.origin is None or FOLDER.parent not in Path(found.origin).parents


def test_an_installed_datasets_package_wins(tmp_path: Path) -> None:
    """A regular package called `datasets` is imported even when our folder comes first."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "__init__.py").write_text("OWNER = 'somebody else'\n")
    code = (
        f"import sys; sys.path[:0] = [{str(FOLDER.parent.parent)!r}, {str(tmp_path)!r}]\n"
        "import datasets, hyperbo_datasets\n"
        "assert datasets.OWNER == 'somebody else', datasets\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_tables_need_no_jax() -> None:
    """Listing, loading, checking and storing tables imports no JAX; only `to_tasks` does."""
    code = (
        "import sys\n"
        "import hyperbo_datasets.catalogue, hyperbo_datasets.store, hyperbo_datasets.checks\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
