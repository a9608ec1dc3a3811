"""Headers with any value anywhere: commands end with 0 or with 2 and a sentence, the page with a result or a message.

Seeded: the same files each time."""

import json
import re
import struct
import zipfile

import gradio as gr
import nibabel
import numpy as np
import pydicom
import pytest
import scipy.io

from rtmri2speech.cli import main
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.labels.textgrid import read_labels, write_labels
from rtmri2speech.models.convert import other_mel, read_hifigan_generator
from rtmri2speech.spec import MelSpec
from rtmri2speech.ui import session
from rtmri2speech.ui.page import build
from tests.clips.formats.test_dicom import SAGITTAL, enhanced
from tests.clips.formats.test_lab_files import nifti
from tests.conftest import moving_frames
from tests.labels.test_textgrid import grid
from tests.models.test_vocoder_layouts import write_files

FRAMES = moving_frames(4, 32, 32)
TEXTS = [
    b"",
    b"-1",
    b"0",
    b"1A",
    b"36,8",
    b"nan",
    b"inf",
    b"-1e400",
    b"9" * 12,
    b"1\\2",
    b"\\",
    b"\0\0",
    b"\xff\xfe\x83A",
]
VALUES = [None, True, -1, 0, 10**30, 1e308, float("nan"), "", "1,5", "x" * 300, [], [[]], [1, "a"], {}, {"a": None}]


@pytest.fixture(scope="module")
def context():
    return build().context


@pytest.fixture
def tried(context, capfd, monkeypatch):
    """Gives a file to `info` and to the page's reading, and asks that both end well."""
    warned = []
    monkeypatch.setattr(gr, "Warning", lambda message, *rest, **named: warned.append(message))

    def on_the_page(path):
        session.check_clip(path, context.limits)
        return read_clip(path, limits=context.limits)

    def attempt(path, why):
        capfd.readouterr()
        code = main(["info", str(path)])
        out, err = capfd.readouterr()
        assert code in (0, 2), why
        assert "Traceback" not in err and "Warning" not in err, why
        if code == 2:
            assert not out and err.startswith("rtmri2speech: ") and err.count("\n") == 1, (why, err)
        for language in ("en", "ja")[len(str(why)) % 2 :][:1]:
            try:
                read = context.guard(lambda path, language: on_the_page(path))(path, language)
            except gr.Error as error:
                assert code == 2 and len(error.message) > 10 and "fault" not in error.message, why
            else:
                assert code == 0 and np.isfinite(read.times_s).all() and 0 < read.fps <= 1000, why
        return code

    return attempt


def elements_of(dataset, place=()):
    for element in dataset:
        if element.tag.group > 2 and element.keyword != "PixelData":
            yield (*place, element.tag), element
            if element.VR == "SQ":
                for number, item in enumerate(element.value):
                    yield from elements_of(item, (*place, element.tag, number))


def test_dicom(tmp_path, tried):
    told = [
        {"FrameAcquisitionDateTime": f"20260103101500.{40000 * k:06d}", "FrameType": ["A", "B", "M"]} for k in range(4)
    ]
    values = {"FrameTime": "40", "PixelSpacing": [2, 2], "ImageOrientationPatient": SAGITTAL, "InstanceNumber": 1}
    values |= {"RescaleSlope": "1", "RescaleIntercept": "0", "ImageType": ["A", "B", "M"], "CineRate": 25}
    values |= {"ImagePositionPatient": [0, 0, 0], "FrameTimeVector": [0, 40, 40, 40], "AcquisitionTime": "101500"}
    values |= {"PixelAspectRatio": [1, 1], "TriggerTime": "0", "AcquisitionDateTime": "20260103101500"}
    path = enhanced(tmp_path / "a.dcm", FRAMES, told, **values)
    raw, codes, count = path.read_bytes(), [], 0
    random = np.random.default_rng(0)
    for place, element in elements_of(pydicom.dcmread(path)):
        if element.VR == "SQ":
            continue
        needle = struct.pack("<HH", element.tag.group, element.tag.element) + element.VR.encode()
        at = raw.find(needle)
        length = int.from_bytes(raw[at + 6 : at + 8], "little")
        for text in [*(TEXTS[k] for k in random.choice(len(TEXTS), 3, replace=False)), random.bytes(max(2, length))]:
            text += b" " * (len(text) % 2) if element.VR not in ("US", "SS") else b"\0" * (len(text) % 2)
            path.write_bytes(raw[: at + 6] + len(text).to_bytes(2, "little") + text + raw[at + 8 + length :])
            codes.append(tried(path, (place, text)))
            count += 1
    assert count > 80 and {0, 2} == set(codes)
    for end in range(140, len(raw), len(raw) // 12):
        path.write_bytes(raw[:end])
        tried(path, end)


def test_nifti(tmp_path, tried):
    path = nifti(tmp_path / "a.nii", FRAMES)
    raw, codes = path.read_bytes(), []
    random = np.random.default_rng(1)
    for name, (kind, at) in nibabel.Nifti1Header.template_dtype.fields.items():
        base, size = kind.base, kind.itemsize
        weird = [b"\0" * size, b"\xff" * size, b"\x7f" * size, random.bytes(size)]
        if base.kind == "f":
            weird += [np.full(size // 4, value, "<f4").tobytes() for value in (np.nan, np.inf, -1, 1e-30, 1e30)]
        elif base.kind in "iu":
            weird += [np.full(size // base.itemsize, value, base).tobytes() for value in (1, 3, 7)]
        for value in (weird[k] for k in random.choice(len(weird), 3, replace=False)):
            path.write_bytes(raw[:at] + value + raw[at + size :])
            codes.append(tried(path, (name, value)))
    assert len(codes) > 100 and {0, 2} == set(codes)


@pytest.mark.parametrize("packed", [False, True])
def test_mat(tmp_path, tried, packed):
    path = tmp_path / "a.mat"
    arrays = {"frames": FRAMES.transpose(1, 2, 0), "fps": 25.0, "pixel_mm": 2.0}
    scipy.io.savemat(path, arrays, do_compression=packed)
    raw, codes = path.read_bytes(), []
    random = np.random.default_rng(2)
    places = [*range(124, min(len(raw), 210)), *random.integers(0, len(raw), 30)]
    for at in places:
        for value in (int(random.choice([0, 255, random.integers(256)])),):
            path.write_bytes(raw[:at] + bytes([value]) + raw[at + 1 :])
            codes.append(tried(path, (int(at), value)))
    for number, value in enumerate((np.nan, -1.0, np.ones((2, 2)), "x", np.array([]), {"a": 1}, 3 + 4j, True)):
        scipy.io.savemat(path, arrays | {"fps": value})
        tried(path, number)
    assert {0, 2} == set(codes)


def test_npz(tmp_path, tried):
    path = tmp_path / "a.npz"
    np.savez(path, frames=FRAMES, fps=25.0)
    raw, codes = path.read_bytes(), []
    with zipfile.ZipFile(path) as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    headers = [
        b"{'descr': %s, 'fortran_order': %s, 'shape': %s, }" % (kind, order, shape)
        for kind in (b"'|u1'", b"'<f8'", b"'|O'", b"'<U4'", b"'nonsense'", b"7")
        for order in (b"False", b"'x'")
        for shape in (
            b"(4, 32, 32)",
            b"()",
            b"(-1, 32, 32)",
            b"(9999999, 99999, 9999)",
            b"(4, 32)",
            b"'a'",
            b"(0, 1, 1)",
        )
    ]
    cases = [(name, header) for name in inside for header in headers]
    for name, header in cases[::3]:
        size = int.from_bytes(inside[name][8:10], "little")
        changed = inside[name][:10] + header.ljust(size - 1)[: size - 1] + b"\n" + inside[name][10 + size :]
        with zipfile.ZipFile(path, "w") as archive:
            for other, data in inside.items():
                archive.writestr(other, changed if other == name else data)
        codes.append(tried(path, (name, header)))
    random = np.random.default_rng(3)
    for at in random.integers(0, len(raw), 40):
        path.write_bytes(raw[:at] + random.bytes(1) + raw[at + 1 :])
        codes.append(tried(path, int(at)))
    assert {0, 2} == set(codes)


def test_textgrid(tmp_path):
    path = grid(tmp_path / "a.TextGrid")
    lines, read = path.read_text("utf-8").splitlines(keepends=True), 0
    for number, line in enumerate(lines):
        for text in ("", "-1", "1e400", "99999999", "0,5", '"', "<absent>"):
            changed = re.sub(r"(= |size = |: )?[^ =\n]*\n$", lambda m, text=text: f"{m[1] or ''}{text}\n", line)
            path.write_text("".join([*lines[:number], changed, *lines[number + 1 :]]), "utf-8")
            try:
                read_labels(tmp_path / "a.mp4")
                write_labels(tmp_path / "b.TextGrid", path, 0.1, 0.9)
                read += 1
            except InputError as error:
                assert str(error)
    assert 0 < read < 7 * len(lines)


def places_in(value, place=()):
    yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places_in(inner, (*place, key))
    elif isinstance(value, list) and value:
        yield from places_in(value[0], (*place, 0))


def with_value(data, place, value):
    if not place:
        return value
    inner = with_value(data[place[0]], place[1:], value)
    if isinstance(data, dict):
        return data | {place[0]: inner}
    return [inner if k == place[0] else old for k, old in enumerate(data)]


@pytest.mark.slow
def test_bundle_json(tmp_path, bundle, capfd):
    folder = tmp_path / "bundle"
    bundle.save(folder)
    data = json.loads((folder / "bundle.json").read_text("utf-8"))
    random, codes = np.random.default_rng(4), []
    for place in places_in(data):
        for number in random.choice(len(VALUES), 2, replace=False):
            (folder / "bundle.json").write_text(json.dumps(with_value(data, place, VALUES[number])), "utf-8")
            capfd.readouterr()
            codes.append(main(["info", str(folder)]))
            err = capfd.readouterr().err
            assert codes[-1] in (0, 2) and "Traceback" not in err, (place, VALUES[number])
            assert codes[-1] == 0 or err.count("\n") == 1
    assert {0, 2} == set(codes)


def test_config_json(tmp_path):
    data, _ = write_files(tmp_path, thesis=True)
    random = np.random.default_rng(5)
    data |= {"fmax": 8000, "fmin": 0, "n_fft": 1024, "win_size": 1024}
    read = 0
    for place in places_in(data):
        for value in (VALUES[k] for k in random.choice(len(VALUES), 4, replace=False)):
            (tmp_path / "config.json").write_text(json.dumps(with_value(data, place, value)), "utf-8")
            try:
                other_mel(tmp_path / "config.json", MelSpec())
                read_hifigan_generator(tmp_path / "g_00000001", tmp_path / "config.json", MelSpec())
                read += 1
            except InputError as error:
                assert str(error)
    assert read
