"""DICOM as written by pydicom: a series and files of many frames come out as they were seen, upright and in time; what
names a patient goes nowhere."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, generate_uid

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.anatomy.sources import regions_of
from rtmri2speech.cli import main
from rtmri2speech.cli.describe import describe_clip
from rtmri2speech.clips.clip import ClipLimits, read_clip
from rtmri2speech.errors import InputError
from rtmri2speech.export.provenance import provenance
from rtmri2speech.export.selection import ExportOptions, ExportSource, select
from tests.conftest import moving_frames

SAGITTAL = [0, 1, 0, 0, 0, -1]  # along a row to the back, down the rows to the feet: a face that looks left
SERIES = generate_uid()


def header(**values) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.SeriesInstanceUID, ds.Modality = SERIES, "MR"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "Yamada^Hanako", "4711", "19700203"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    for name, value in values.items():
        setattr(ds, name, value)
    return ds


def write(path: Path, frames: np.ndarray, **values) -> Path:
    """One file of these values, (H, W) or (T, H, W)."""
    ds = header(**values)
    ds.Rows, ds.Columns = frames.shape[-2:]
    ds.BitsAllocated = 8 * frames.itemsize
    ds.BitsStored = values.get("BitsStored", ds.BitsAllocated)
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(frames.dtype.kind == "i")
    if frames.ndim == 3:
        ds.NumberOfFrames = len(frames)
    ds.PixelData = frames.tobytes()
    ds.save_as(path, enforce_file_format=True)
    return path


def write_series(folder: Path, frames: np.ndarray, step_s: float = 0.04, **values) -> Path:
    """A file a frame, whose names run against their numbers; 14:59:59.9 is the first frame's time."""
    folder.mkdir()
    for k, frame in enumerate(frames):
        seconds = 14 * 3600 + 59 * 60 + 59.9 + step_s * k
        taken = f"{int(seconds // 3600):02d}{int(seconds // 60 % 60):02d}{seconds % 60:09.6f}"
        given = {"AcquisitionTime": taken, "InstanceNumber": k + 1} | values
        write(folder / f"YAMADA_HANAKO.MR.{len(frames) - k:04d}.IMA", frame, **given)
    return folder


def test_a_series_in_its_order_and_time(tmp_path):
    deep = moving_frames(12, 60, 80).astype(np.uint16) * 16
    folder = write_series(
        tmp_path / "speech", deep, BitsStored=12, ImageOrientationPatient=SAGITTAL, PixelSpacing=[2.5, 2.5]
    )
    (folder / "notes.txt").write_text("not a picture")
    clip = read_clip(folder)
    assert np.abs(clip.frames - np.rint(deep * (255 / deep.max()))).max() <= 1
    assert clip.fps == pytest.approx(25)  # over the hour, in steps of 40 ms
    assert clip.pixel_mm == 2.5 and clip.details["plane"] == "sagittal"
    assert read_clip(folder, fps=50).fps == pytest.approx(50)


def test_a_file_of_many_frames_of_8_bits_stays_as_it_is(tmp_path):
    frames = moving_frames(9)
    clip = read_clip(write(tmp_path / "a.dcm", frames, FrameTime=36.8))
    np.testing.assert_array_equal(clip.frames, frames)
    assert clip.fps == pytest.approx(1000 / 36.8) and clip.pixel_mm is None
    unnamed = write(tmp_path / "IM0001", frames, CineRate=20)  # known by what it begins with
    np.testing.assert_array_equal(read_clip(unnamed).frames, frames)
    assert read_clip(unnamed).fps == pytest.approx(20)


def test_frames_that_last_differently(tmp_path):
    path = write(tmp_path / "a.dcm", moving_frames(4), FrameTimeVector=[0, 20, 60, 20])
    np.testing.assert_allclose(read_clip(path).times_s, [0, 0.02, 0.08, 0.10, 0.12])


def test_rescale_and_signs(tmp_path):
    stored = moving_frames(6).astype(np.int16) - 100
    path = write(tmp_path / "a.dcm", stored, FrameTime=40, RescaleSlope="2.5", RescaleIntercept="250")
    meant = stored * 2.5 + 250  # from 0
    assert np.abs(read_clip(path).frames - np.rint(meant * 255 / meant.max())).max() <= 1
    frames = moving_frames(6)
    dark = write(tmp_path / "b.dcm", 255 - frames, FrameTime=40, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(read_clip(dark).frames, frames)


def test_functional_groups_of_each_frame(tmp_path):
    frames = moving_frames(5).astype(np.uint16)
    slopes, groups = [1, 2, 1, 4, 1], []
    for k, slope in enumerate(slopes):
        group, value, content = Dataset(), Dataset(), Dataset()
        value.RescaleSlope, value.RescaleIntercept = str(slope), "0"
        content.FrameAcquisitionDateTime = f"20260103101500.{50000 * k:06d}"
        group.PixelValueTransformationSequence = Sequence([value])
        group.FrameContentSequence = Sequence([content])
        groups.append(group)
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, plane.ImageOrientationPatient = [1.5, 1.5], SAGITTAL
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([plane])
    path = write(
        tmp_path / "a.dcm",
        frames,
        PerFrameFunctionalGroupsSequence=Sequence(groups),
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )
    clip, meant = read_clip(path), frames * np.array(slopes)[:, None, None]
    assert np.abs(clip.frames - np.rint(meant * 255 / meant.max())).max() <= 1
    assert clip.fps == pytest.approx(20) and clip.pixel_mm == 1.5 and clip.details["plane"] == "sagittal"


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (SAGITTAL, lambda f: f),
        ([0, -1, 0, 0, 0, -1], lambda f: f[:, :, ::-1]),  # along a row to the front
        ([0, 1, 0, 0, 0, 1], lambda f: f[:, ::-1]),  # down the rows to the head
        ([0, 0, -1, 0, 1, 0], lambda f: f.transpose(0, 2, 1)),  # along a row to the feet
        ([0.1, 0.99, 0, 0, 0.1, -0.99], lambda f: f),  # not quite straight
    ],
)
def test_every_way_a_slice_can_lie_comes_out_as_a_face_that_looks_left(tmp_path, orientation, stored):
    seen = moving_frames(3, 48, 64)
    path = write(
        tmp_path / "a.dcm", np.ascontiguousarray(stored(seen)), FrameTime=40, ImageOrientationPatient=orientation
    )
    np.testing.assert_array_equal(read_clip(path).frames, seen)


def test_one_sentence_for_what_cannot_be_read(tmp_path):
    frames = moving_frames(4)
    silent = write(tmp_path / "silent.dcm", frames)
    with pytest.raises(InputError, match="does not tell its frame rate: on the command line, give it with --fps"):
        read_clip(silent)
    assert read_clip(silent, fps=30).duration == pytest.approx(4 / 30)

    volume = write_series(tmp_path / "volume", frames)
    for k, file in enumerate(sorted(volume.iterdir())):
        write(file, frames[k], InstanceNumber=k, AcquisitionTime=f"10000{k}", ImagePositionPatient=[4 * k, 0, 0])
    with pytest.raises(InputError, match="shows 4 slices"):
        read_clip(volume)

    two = write_series(tmp_path / "two", frames)
    write(two / "other.dcm", frames[0], InstanceNumber=9, SeriesInstanceUID=generate_uid())
    with pytest.raises(InputError, match="several DICOM series"):
        read_clip(two)

    cut = tmp_path / "cut.dcm"
    cut.write_bytes(write(tmp_path / "whole.dcm", frames, FrameTime=40).read_bytes()[:-3000])
    with pytest.raises(InputError, match="damaged or no DICOM"):
        read_clip(cut)
    ds = header(FrameTime=40, Rows=64, Columns=64, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0)
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    ds.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\x02\0\0\0ab\xfe\xff\xdd\xe0\0\0\0\0"
    ds["PixelData"].is_undefined_length = True
    ds.NumberOfFrames = 2
    ds.save_as(tmp_path / "packed.dcm", enforce_file_format=True)
    with pytest.raises(InputError, match="compressed in a way"):
        read_clip(tmp_path / "packed.dcm")
    with pytest.raises(InputError, match="more than 3 frames"):
        read_clip(silent, fps=30, limits=ClipLimits(most_frames=3))
    huge = write(tmp_path / "huge.dcm", frames, FrameTime=40)
    huge.write_bytes(huge.read_bytes().replace(b"IS\x02\x004 ", b"IS\x02\x0099"))  # says more frames than it has
    with pytest.raises(InputError, match="damaged"):
        read_clip(huge)


def test_no_name_of_a_patient_gets_out(tmp_path, bundle, capfd, recwarn):
    folder = write_series(tmp_path / "speech", moving_frames(6), PatientName="Yamada^Hanako\\" + "x" * 80)
    clip = read_clip(folder)
    analysis = analyse(bundle, clip)
    regions = regions_of(analysis.model_frames, analysis.fps, folder, "template")
    told = provenance(select(ExportSource("speech", analysis, regions, bundle, folder), ExportOptions()))
    assert len(told["clip"]["sha256"]) == 6 and "--fps" in told["command"]
    out, err = capfd.readouterr()
    everything = json.dumps([describe_clip(clip) | {"file": ""}, told, out, err, [str(w.message) for w in recwarn]])
    for private in ("yamada", "hanako", "4711", "1970"):
        assert private not in everything.lower()
    # A name that outputs would carry is refused, and not repeated.
    named = write(tmp_path / "hanako_01.dcm", moving_frames(4), FrameTime=40)
    with pytest.raises(InputError, match="holds the patient's") as refused:
        read_clip(named)
    assert "hanako" not in str(refused.value)
    removed = write(tmp_path / "hanako_02.dcm", moving_frames(4), FrameTime=40, PatientIdentityRemoved="YES")
    assert len(read_clip(removed).frames) == 4


def enhanced(path, frames, of_each=(), **values):
    """A file of many frames with what is told of each in its functional groups: a dict of keyword -> value a frame."""
    groups = []
    for told in of_each:
        content, kind, group = Dataset(), Dataset(), Dataset()
        for keyword, value in told.items():
            setattr(kind if keyword in ("ComplexImageComponent", "FrameType") else content, keyword, value)
        group.FrameContentSequence, group.MRImageFrameTypeSequence = Sequence([content]), Sequence([kind])
        groups.append(group)
    return write(path, frames, PerFrameFunctionalGroupsSequence=Sequence(groups), **values)


@pytest.mark.parametrize(
    "told",
    [
        lambda k: {"FrameAcquisitionDateTime": f"20260103101500.{40000 * k:06d}"},
        lambda k: {"FrameAcquisitionDateTime": f"20260103101500.{40000 * k:06d}+0900"},
        lambda k: {"TemporalPositionIndex": k + 1},
        lambda k: {
            "FrameReferenceDateTime": ["20260103235959.96", "20260104000000.00"][k > 0] + f"{4 * max(k - 1, 0)}"
        },
    ],
)
def test_enhanced_frames_are_read_in_the_order_of_their_times(tmp_path, told):
    frames, order = moving_frames(3), [1, 2, 0]
    path = enhanced(tmp_path / "a.dcm", frames[order], [told(k) for k in order])
    clip = read_clip(path, fps=25)
    np.testing.assert_array_equal(clip.frames, frames)
    if "FrameAcquisitionDateTime" in told(0):
        assert read_clip(path).fps == pytest.approx(25)


def test_a_series_of_enhanced_files_of_a_frame_tells_its_rate(tmp_path):
    frames = moving_frames(4)
    folder = tmp_path / "series"
    folder.mkdir()
    for k, frame in enumerate(frames):
        told = [{"FrameAcquisitionDateTime": f"20260103101500.{50000 * k:06d}"}]
        enhanced(folder / f"{k}.dcm", frame[None], told, InstanceNumber=k + 1)
    clip = read_clip(folder)
    np.testing.assert_array_equal(clip.frames, frames)
    assert clip.fps == pytest.approx(20)


def test_a_series_past_midnight(tmp_path):
    folder = write_series(tmp_path / "a", moving_frames(3))
    for k, file in enumerate(sorted(folder.iterdir(), reverse=True)):
        write(file, moving_frames(3)[k], InstanceNumber=k + 1, AcquisitionTime=["235959.96", "000000", "000000.04"][k])
    assert read_clip(folder).fps == pytest.approx(25)


def test_phase_between_pictures_of_magnitude_is_left_out_and_told(tmp_path):
    frames = moving_frames(4)
    noise = np.random.default_rng(0).integers(0, 255, frames.shape, np.uint8)
    mixed = np.stack([frames, noise], axis=1).reshape(-1, *frames.shape[1:])
    folder = tmp_path / "series"
    folder.mkdir()
    for k, frame in enumerate(mixed):
        kind = ["ORIGINAL", "PRIMARY", *(["P", "FFE"] if k % 2 else ["M", "FFE"])]
        write(folder / f"{k}.dcm", frame, InstanceNumber=k + 1, ImageType=kind, FrameTime=40)
    of_each = [{"ComplexImageComponent": ["MAGNITUDE", "PHASE"][k % 2]} for k in range(8)]
    many = enhanced(tmp_path / "many.dcm", mixed, of_each, FrameTime=40)
    for path in (folder, many):
        clip = read_clip(path)
        np.testing.assert_array_equal(clip.frames, frames)
        assert clip.fps == pytest.approx(25) and "magnitude, 4" in str(clip.notes[0])
    for k, file in enumerate(sorted(folder.iterdir())):
        write(file, mixed[k], InstanceNumber=k, ImageType=["ORIGINAL", "PRIMARY", "RI"[k % 2]], FrameTime=40)
    with pytest.raises(InputError, match=r"several kinds \(imaginary, real\): leave one"):
        read_clip(folder)


def test_pictures_of_8_and_of_16_bits_are_not_mixed(tmp_path):
    folder = write_series(tmp_path / "a", moving_frames(4))
    write(folder / "z.dcm", moving_frames(1)[0].astype(np.uint16), InstanceNumber=9, AcquisitionTime="160000")
    with pytest.raises(InputError, match="type uint16, the first of type uint8"):
        read_clip(folder, fps=25)


def test_pixels_that_are_no_squares(tmp_path):
    frames = np.repeat(moving_frames(3, 32, 64), 2, axis=1)[:, ::2]  # 32 rows
    path = write(tmp_path / "a.dcm", frames, FrameTime=40, PixelSpacing=[3.0, 1.5])
    clip = read_clip(path)
    assert clip.frames.shape == (3, 64, 64) and clip.pixel_mm == 1.5
    assert read_clip(write(tmp_path / "b.dcm", frames, FrameTime=40, PixelAspectRatio=[2, 1])).frames.shape == (
        3,
        64,
        64,
    )


MALFORMED = {
    "FrameTime": [b"36,8", b"nought"],
    "NumberOfFrames": [b"1A", b"-3", b"2\\2"],
    "PixelSpacing": [b"2.5", b"a\\b", b"1\\2\\3 "],
    "ImageOrientationPatient": [b"0\\1\\0\\0\\0", b"1"],
    "RescaleSlope": [b"1,5 ", b"nan ", b"inf "],
    "InstanceNumber": [b"one "],
    "AcquisitionTime": [b"ab:cd ", b"256199"],
    "ImagePositionPatient": [b"1\\2"],
}


@pytest.mark.parametrize(("keyword", "value"), [(k, v) for k, values in MALFORMED.items() for v in values])
def test_malformed_values_are_one_sentence(tmp_path, keyword, value, capfd):
    from pydicom.datadict import dictionary_VR, tag_for_keyword
    from pydicom.tag import Tag

    folder = tmp_path / "series"
    folder.mkdir()
    for k, frame in enumerate(moving_frames(3)):
        path = write(folder / f"{k}.dcm", frame, InstanceNumber=k + 1, AcquisitionTime=f"10000{k}")
        tag = Tag(tag_for_keyword(keyword))
        value = value + b" " * (len(value) % 2)
        raw = path.read_bytes()
        vr = dictionary_VR(tag).encode()
        element = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little") + vr
        new = element + len(value).to_bytes(2, "little") + value
        at = raw.find(element)
        if at >= 0:
            length = int.from_bytes(raw[at + 6 : at + 8], "little")
            raw = raw[:at] + new + raw[at + 8 + length :]
        else:  # in its place among the others, which are in order of their tags
            after = raw.index(b"\x28\x00\x02\x00US") if tag.group == 0x28 else raw.index(b"\x28\x00")
            later = raw.index(b"\xe0\x7f\x10\x00") if tag.element > 0x103 and tag.group == 0x28 else after
            raw = raw[:later] + new + raw[later:]
        path.write_bytes(raw)
    capfd.readouterr()
    assert main(["info", str(folder)]) == 2
    out, err = capfd.readouterr()
    assert not out and len(err.strip().splitlines()) == 1 and "Traceback" not in err
    assert keyword in err or "frames" in err or "finite" in err or "damaged" in err or "frame rate" in err
