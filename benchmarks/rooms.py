"""How a package is built: python -m benchmarks.rooms [--package training] [--at REVISION].

A room is a module or a subpackage right under the package. Its floor is how many rooms stand on one another down to the
lowest it rests on; rooms in a circle share a floor. An arrow is a pair of rooms of which the first imports the second.
Imports inside functions count, and those for type checkers.
"""

import argparse
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import grimp
import networkx as nx

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("rtmri2speech", "training", "benchmarks", "tests", "docs")
SUFFIXES = (".py", ".pyi", ".js", ".css", ".html", ".yaml", ".md")


def imports(*packages: str, for_types: bool = True) -> nx.DiGraph:
    """Modules of packages that can be imported from here, an edge to each that is imported."""
    graph = grimp.build_graph(*packages, exclude_type_checking_imports=not for_types, cache_dir=None)
    edges = nx.DiGraph()
    edges.add_nodes_from(graph.modules)
    for name in graph.modules:
        edges.add_edges_from((name, other) for other in graph.find_modules_directly_imported_by(name))
    return edges


def circles(edges: nx.DiGraph) -> list[list[str]]:
    """The groups of modules or rooms that import each other."""
    return sorted(sorted(group) for group in nx.strongly_connected_components(edges) if len(group) > 1)


def rooms_of(modules: nx.DiGraph) -> nx.DiGraph:
    """The package itself is no room: it only says what can be imported from it."""
    room = {name: ".".join(name.split(".")[:2]) for name in modules if "." in name}
    rooms = nx.DiGraph()
    rooms.add_nodes_from(room.values())
    within = ((room[a], room[b]) for a, b in modules.edges if a in room and b in room)
    rooms.add_edges_from((a, b) for a, b in within if a != b)
    return rooms


def lines(folder: Path) -> int:
    files = (path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    return sum(path.read_bytes().count(b"\n") for path in files)


def measure(package: str = "rtmri2speech", root: Path = ROOT) -> dict[str, int | str]:
    """Of the package that is imported from here; lines are those of the folders of root."""
    modules = imports(package)
    rooms = rooms_of(modules)
    named = lambda found: "; ".join(" <-> ".join(short(name) for name in group) for group in found) or "none"  # noqa: E731
    short = lambda name: name.removeprefix(f"{package}.")  # noqa: E731
    return {
        "rooms": len(rooms),
        "floors": nx.dag_longest_path_length(nx.condensation(rooms)) + 1,
        "arrows": rooms.number_of_edges(),
        "circles of rooms": named(circles(rooms)),
        "circles of modules": named(circles(modules)),
        **{f"lines in {name}/": lines(root / name) for name in FOLDERS},
    }


def measure_at(revision: str, package: str) -> dict[str, int | str]:
    """Of another revision, by a Python of its own that imports from a copy."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=True).stdout
    with TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        command = [sys.executable, __file__, "--package", package, "--json", folder]
        return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rooms", description="How a package is built.")
    parser.add_argument("--package", default="rtmri2speech")
    parser.add_argument("--at", metavar="REVISION", help="a git revision to compare with")
    parser.add_argument("--json", metavar="FOLDER", type=Path, help="of the checkout in this folder, as JSON")
    args = parser.parse_args()
    if args.json:
        sys.path.insert(0, str(args.json))
        return print(json.dumps(measure(args.package, args.json)))
    then = measure_at(args.at, args.package) if args.at else {}
    print(f"{args.package:<24} {args.at or '':<44} here")
    for name, here in measure(args.package).items():
        print(f"{name:<24} {then.get(name, ''):<44} {here}")


if __name__ == "__main__":
    main()
