"""How the house is built: imports go one way, and training starts without what it does not need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rooms import circles, imports, rooms_of

ROOT = Path(__file__).resolve().parents[1]


def test_a_circle_would_be_found(tmp_path, monkeypatch):
    """Through a function and a relative import, too; one for type checkers counts only where it is asked for."""
    (tmp_path / "p" / "q").mkdir(parents=True)
    files = {
        "__init__": "",
        "q/__init__": "",
        "a": "from .q import b",
        "q/b": "def f():\n    from ..c import g",
        "c": "import p.a\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import p.d",
        "d": "import p.c",
    }
    for name, text in files.items():
        (tmp_path / "p" / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert circles(imports("p", for_types=False)) == [["p.a", "p.c", "p.q.b"]]
    assert circles(imports("p")) == [["p.a", "p.c", "p.d", "p.q.b"]]
    assert circles(rooms_of(imports("p"))) == [["p.a", "p.c", "p.d", "p.q"]]


def test_no_module_imports_itself_through_others():
    """import-linter looks at neighbours in a folder; this at all files, a package and what is in it among them."""
    edges = imports("rtmri2speech", "training", "benchmarks", for_types=False)
    assert len(edges) > 100
    assert circles(edges) == []


def test_imports_go_the_way_that_pyproject_says():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "0 broken" in done.stdout, done.stdout + done.stderr


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


@pytest.mark.slow
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
    for path in (
        path for package in ("rtmri2speech", "training", "benchmarks") for path in (ROOT / package).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                lines = node.end_lineno - body[0].lineno + 1
                if lines >= LONGEST:
                    long[f"{path.relative_to(ROOT)}: {node.name}"] = lines
    assert long == {}
