"""The comparison with the thesis' code reads that code, whatever its files are encoded in."""

import subprocess
import sys

from benchmarks.against_thesis import readable


def test_programs_in_shift_jis_run_and_the_checkout_stays_as_it_is(tmp_path):
    said = 'print(ascii("母音"))\n'
    written = {
        "bare.py": f"# 能動的な表示\n{said}".encode("cp932"),
        "declared.py": f"# coding: cp932\n{said}".encode("cp932"),
        "plain.py": said.encode(),
        "marked.py": said.encode("utf-8-sig"),
    }
    (tmp_path / "old" / "scripts").mkdir(parents=True)
    for name, content in written.items():
        (tmp_path / "old" / "scripts" / name).write_bytes(content)
    (tmp_path / "old" / "config.json").write_text("{}")
    copy = readable(tmp_path / "old", tmp_path / "copy")
    assert (copy / "config.json").read_text() == "{}"
    for name, content in written.items():
        done = subprocess.run([sys.executable, str(copy / "scripts" / name)], capture_output=True, text=True)
        assert done.stdout.strip() == ascii("母音"), (name, done.stderr)
        assert (tmp_path / "old" / "scripts" / name).read_bytes() == content
