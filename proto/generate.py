# /// script
# requires-python = ">=3.11"
# dependencies = ["grpcio-tools==1.76.0"]
# ///
"""Generate the Python code of the .proto files, or check that what is checked in is fresh.

    uv run --script proto/generate.py
    uv run --script proto/generate.py --check

Code made by one protoc runs with the same and all newer releases of protobuf, so an older protoc
serves more users. It runs in an environment of its own, since the tools pin protobuf.
"""

import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).parent
FOLDER = Path("hyperbo_service/rpc/v1")
CHECKED_IN = HERE.parent / "service" / FOLDER


def generate(target: Path) -> None:
    """Write the code of all .proto files below `target`."""
    sources = sorted(str(path.relative_to(HERE)) for path in (HERE / FOLDER).glob("*.proto"))
    well_known = str(resources.files("grpc_tools") / "_proto")
    outputs = [f"--{kind}_out={target}" for kind in ("python", "pyi")]
    status = protoc.main(["protoc", f"-I{HERE}", f"-I{well_known}", *outputs, *sources])
    if status:
        sys.exit(status)


def stale(fresh: Path) -> list[str]:
    """Names of generated files that are missing, changed or left over."""
    made = {path.name: path.read_text() for path in fresh.iterdir()}
    kept = {path.name: path.read_text() for path in CHECKED_IN.glob("*_pb2*")}
    return sorted(name for name in made | kept if made.get(name) != kept.get(name))


def main() -> None:
    """Generate, or check."""
    if sys.argv[1:] != ["--check"]:
        generate(CHECKED_IN.parents[2])
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        names = stale(Path(folder) / FOLDER)
    if names:
        sys.exit(f"Not fresh: {', '.join(names)}. Run: uv run --script proto/generate.py")


if __name__ == "__main__":
    main()
