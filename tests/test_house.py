"""How the house is built: imports go one way, and training starts without what it does not need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def modules(*packages: str) -> dict[str, Path]:
    """Dotted name -> file of every module of these packages."""
    found = {}
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: set[str]) -> set[str]:
    """The modules of `known` that this one imports, inside functions too. Not those for type checkers alone.

    `from .package import module` is an import of the module, not of the package around it.
    """
    found = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                visit(other)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if path.name == "__init__.py" else name.rpartition(".")[0]
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in known else base)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return (found & known) - {name}


def graph(*packages: str) -> dict[str, set[str]]:
    """Module -> the modules it imports."""
    files = modules(*packages)
    return {name: imported(name, path, set(files)) for name, path in files.items()}


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that import each other (Tarjan's strongly connected components of more than one)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def connect(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in edges[name]:
            if other not in order:
                connect(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], order[other])
        if low[name] == order[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for name in edges:
        if name not in order:
            connect(name)
    return found


def test_a_circle_would_be_found(tmp_path):
    """The test's own eyes: a circle through a function and a relative import is seen, one for type checkers is not."""
    (tmp_path / "p" / "q").mkdir(parents=True)
    files = {
        "p": "",
        "p.q": "",
        "p.a": "from .q import b",
        "p.q.b": "def f():\n    from ..c import g",
        "p.c": "import p.a\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import p.d",
        "p.d": "import p.c",
    }
    paths = {}
    for name, text in files.items():
        paths[name] = tmp_path / (name.replace(".", "/") + ("/__init__.py" if name in ("p", "p.q") else ".py"))
        paths[name].write_text(text)
    edges = {name: imported(name, path, set(files)) for name, path in paths.items()}
    assert circles(edges) == [["p.a", "p.c", "p.q.b"]]
    assert edges["p.d"] == {"p.c"}


def test_no_module_imports_itself_through_others():
    edges = graph("rtmri2speech", "training", "benchmarks")
    assert len(edges) > 100
    assert circles(edges) == []


def test_the_core_does_not_know_training():
    edges = graph("rtmri2speech", "training", "benchmarks")
    backwards = {
        (name, other)
        for name, others in edges.items()
        for other in others
        if name.startswith("rtmri2speech") and not other.startswith("rtmri2speech")
    }
    assert backwards == set()


# What a machine that only trains need not have: the page, and the packages of single commands.
LEFT_OUT = ("gradio", "librosa", "hydra", "omegaconf", "soundfile", "soxr", "parselmouth", "av", "onnxruntime")


REFUSING = f"""
import builtins, importlib, sys
plain = builtins.__import__
def refusing(name, globals=None, *rest, **named):
    ours = (globals or {{}}).get("__name__", "").split(".")[0] in ("training", "rtmri2speech")
    if ours and name.split(".")[0] in {LEFT_OUT!r}:
        raise ImportError(name)
    return plain(name, globals, *rest, **named)
builtins.__import__ = refusing
importlib.import_module(sys.argv[1])
from training.engine.config import read_arguments
print(read_arguments(["run_dir=x"], "vocoder")["run_dir"])
"""


@pytest.mark.parametrize(
    "module",
    ["training.acoustic.train", "training.acoustic.augment", "training.vocoder.train", "training.restore.train"],
)
def test_training_starts_without_what_it_does_not_need(module):
    """Of our own imports; PyTorch's and Lightning's take what they find installed."""
    done = subprocess.run([sys.executable, "-c", REFUSING, module], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "x", done.stderr


def test_the_test_sees_an_import():
    done = subprocess.run(
        [sys.executable, "-c", REFUSING, "rtmri2speech.ui.page"], capture_output=True, text=True, cwd=ROOT
    )
    assert "ImportError: gradio" in done.stderr


LONGEST = 80  # lines of a body: from after the docstring to the end


def test_functions_are_short():
    """Each body fits on a screen or two. Signatures do not count: those of commands list their options."""
    long = {}
    for package in ("rtmri2speech", "training", "benchmarks"):
        for name, path in modules(package).items():
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                    lines = node.end_lineno - body[0].lineno + 1
                    if lines >= LONGEST:
                        long[f"{name}.{node.name}"] = lines
    assert long == {}
