"""What importing the client costs, and what it offers."""

import subprocess
import sys
from types import ModuleType

import hyperbo_service.client as library

HEAVY = ["jax", "numpy", "pandas", "sqlalchemy", "gpjax", "equinox", "scipy", "torch", "pyarrow"]


def modules_after(statement: str) -> set[str]:
    """Names of the modules that a fresh interpreter has after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_client_imports_nothing_heavy() -> None:
    """Beside the client, a training job's own libraries have all the room."""
    modules = modules_after("import hyperbo_service.client")

    assert not modules & set(HEAVY)
    assert "importlib.metadata" not in modules - modules_after("import grpc")


def test_client_imports_only_protobuf_and_itself() -> None:
    """What comes beside gRPC is the standard library, protobuf or ours."""
    new = modules_after("import hyperbo_service.client") - modules_after("import grpc")
    roots = {name.partition(".")[0] for name in new} - set(sys.stdlib_module_names)

    assert roots <= {"google", "hyperbo", "hyperbo_service"}


def test_exported_names() -> None:
    """All that the package defines in public, and nothing else, is named as such."""
    public = {
        name
        for name, value in vars(library).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }

    assert public == set(library.__all__)
