"""What the page's components share, in Node; and that each component's script is one that Gradio can run."""

import os
import shutil
import subprocess
from pathlib import Path

import gradio as gr
import pytest

from rtmri2speech.ui.ab_player import ab_player
from rtmri2speech.ui.drawing_canvas import drawing_canvas
from rtmri2speech.ui.explorer import explorer


@pytest.fixture(scope="module")
def node():
    found = shutil.which("node")
    if not found:
        if os.environ.get("CI"):
            pytest.fail("No Node found: install it.")
        pytest.skip("No Node found.")
    return found


def test_what_components_share_and_draw(node):
    files = [Path(__file__).with_name(f"{name}.test.js") for name in ("component", "acoustics")]
    done = subprocess.run([node, "--test", *files], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("make", [explorer, ab_player, drawing_canvas])
def test_a_components_files_make_one_script(node, make, tmp_path):
    with gr.Blocks():
        made = make({}, elem_id="x")
    script = tmp_path / "script.js"
    script.write_text(made.js_on_load, encoding="utf-8")
    # as Gradio does; a name declared twice is a syntax error
    check = """new Function("element", "trigger", "props", "server", "upload", "watch",
        require("fs").readFileSync(process.argv[1], "utf8"))"""
    done = subprocess.run([node, "-e", check, script], capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert made.css_template.count("{") == made.css_template.count("}")
