"""NIfTI, MATLAB and HDF5 as other libraries write them: the same frames, times and sizes come out, or one sentence."""

import builtins

import h5py
import nibabel
import numpy as np
import pytest
import scipy.io

from rtmri2speech.clips.clip import read_clip
from rtmri2speech.clips.formats import mat5
from rtmri2speech.clips.formats.recording import ClipLimits
from rtmri2speech.errors import InputError
from tests.conftest import moving_frames

FRAMES = moving_frames(7, 48, 64)
SQUARE = moving_frames(7, 48, 48)
# Rows to the feet, columns to the back, in NIfTI's coordinates (right, front, head), 1.5 mm; a row of it is an axis.
SAGITTAL = np.array([[0, 0, 8, 0], [-1.5, 0, 0, 0], [0, -1.5, 0, 0], [0, 0, 0, 1.0]])


def nifti(path, frames, frame_s=0.05, affine=SAGITTAL, unit="sec"):
    """(T, H, W) as most converters lay it out: columns, rows, slices, time."""
    image = nibabel.Nifti1Image(frames.transpose(2, 1, 0)[:, :, None], affine)
    image.header.set_zooms((*image.header.get_zooms()[:3], frame_s))
    image.header.set_xyzt_units("mm", unit)
    nibabel.save(image, path)
    return path


def matlab73(path, **arrays):
    """As MATLAB writes -v7.3: HDF5 behind 512 bytes of its own, axes in reverse."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file[name] = np.asarray(array).T
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti(tmp_path, suffix):
    clip = read_clip(nifti(tmp_path / f"a{suffix}", FRAMES))
    np.testing.assert_array_equal(clip.frames, FRAMES)
    assert clip.fps == pytest.approx(20) and clip.pixel_mm == pytest.approx(1.5)
    assert clip.details["plane"] == "sagittal"
    assert read_clip(nifti(tmp_path / f"ms{suffix}", FRAMES, 50.0, unit="msec")).fps == pytest.approx(20)
    wide = read_clip(nifti(tmp_path / f"wide{suffix}", FRAMES, affine=SAGITTAL @ np.diag([2, 1, 1, 1])))
    assert wide.frames.shape == (7, 48, 128) and wide.pixel_mm == pytest.approx(1.5)  # its pixels became squares
    assert np.abs(wide.frames[:, :, ::2].astype(int) - FRAMES).mean() < 6


def test_nifti_turned_by_nibabel_is_the_same_picture(tmp_path):
    """Any order and direction of axes that nibabel can give the same image."""
    image = nibabel.load(nifti(tmp_path / "a.nii", FRAMES))
    for axes in ("RAS", "PSR", "LIP", "ASL"):
        codes = nibabel.orientations.axcodes2ornt(axes)
        turned = image.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), codes))
        nibabel.save(turned, tmp_path / f"{axes}.nii")
        np.testing.assert_array_equal(read_clip(tmp_path / f"{axes}.nii").frames, FRAMES)


def test_nifti_with_scaling_and_without_time(tmp_path):
    image = nibabel.Nifti1Image((FRAMES.astype(np.int16) * 3).transpose(2, 1, 0)[:, :, None], SAGITTAL)
    image.header.set_slope_inter(0.5, 10)
    nibabel.save(image, tmp_path / "a.nii")
    with pytest.raises(InputError, match="give it with --fps"):  # a unit of time is not told
        read_clip(tmp_path / "a.nii")
    meant = nibabel.load(tmp_path / "a.nii").get_fdata()[:, :, 0].transpose(2, 1, 0)
    assert np.abs(read_clip(tmp_path / "a.nii", fps=20).frames - np.rint(meant * 255 / meant.max())).max() <= 1
    nibabel.save(nibabel.Nifti1Image(FRAMES.transpose(2, 1, 0), None), tmp_path / "b.nii")
    np.testing.assert_array_equal(read_clip(tmp_path / "b.nii", fps=20).frames, FRAMES)
    nibabel.save(nibabel.Nifti1Image(np.zeros((20, 20, 5, 4), np.uint8), SAGITTAL), tmp_path / "c.nii")
    with pytest.raises(InputError, match="shows 5 slices"):
        read_clip(tmp_path / "c.nii", fps=20)


@pytest.mark.parametrize("version", ["4", "5", "7.3"])
def test_matlab(tmp_path, version):
    arrays = {"note": np.ones((2, 2)), "vid": FRAMES.transpose(1, 2, 0).astype(float), "frameRate": 25.0}
    path = tmp_path / "a.mat"
    if version == "7.3":
        matlab73(path, **arrays, pixel_mm=2.4)
    elif version == "5":
        scipy.io.savemat(path, arrays | {"pixel_mm": 2.4}, do_compression=True)
    else:  # has arrays of two axes only
        scipy.io.savemat(path, {"vid": FRAMES[0]}, format="4")
        with pytest.raises(InputError, match="holds no array"):
            read_clip(path)
        return
    clip = read_clip(path)
    assert np.abs(clip.frames - np.rint(FRAMES * (255 / FRAMES.max()))).max() <= 1
    assert clip.fps == pytest.approx(25) and clip.pixel_mm == pytest.approx(2.4)


def test_matlab_in_other_orders(tmp_path):
    scipy.io.savemat(tmp_path / "colour.mat", {"v": np.repeat(FRAMES.transpose(1, 2, 0)[:, :, None], 3, 2), "fps": 9})
    assert np.abs(read_clip(tmp_path / "colour.mat").frames.astype(int) - FRAMES).max() <= 1
    scipy.io.savemat(tmp_path / "first.mat", {"v": SQUARE, "fps": 9})  # only so are the pictures squares
    np.testing.assert_array_equal(read_clip(tmp_path / "first.mat").frames, SQUARE)
    turning = FRAMES.transpose(1, 2, 0) * np.exp(1j * np.linspace(0, 6, 7))
    scipy.io.savemat(tmp_path / "complex.mat", {"recon": turning, "other": turning, "fps": 9})
    assert np.abs(read_clip(tmp_path / "complex.mat").frames - np.rint(FRAMES * (255 / FRAMES.max()))).max() <= 1
    scipy.io.savemat(tmp_path / "two.mat", {"a": SQUARE, "b": SQUARE, "fps": 9})
    with pytest.raises(InputError, match=r"not clear which array .* \(a, b\)"):
        read_clip(tmp_path / "two.mat")
    scipy.io.savemat(tmp_path / "silent.mat", {"a": SQUARE})
    with pytest.raises(InputError, match="give it with --fps"):
        read_clip(tmp_path / "silent.mat")


def test_hdf5_as_usc_and_as_python_have_it(tmp_path):
    with h5py.File(tmp_path / "usc.h5", "w") as file:  # MATLAB's h5write(..., '/recon', (rows, columns, frames))
        file["recon"], file["lambda_t"] = SQUARE.transpose(0, 2, 1).astype(float), np.ones((1, 1))
    clip = read_clip(tmp_path / "usc.h5", fps=1000 / 12.008)
    assert np.abs(clip.frames - np.rint(SQUARE * (255 / SQUARE.max()))).max() <= 1
    with h5py.File(tmp_path / "python.h5", "w") as file:
        file["image"], file["comp_time"] = FRAMES.astype(np.complex64), 3.0
        file.attrs["fps"], file["image"].attrs["pixel_mm"] = 83.28, 2.4
    clip = read_clip(tmp_path / "python.h5")
    assert np.abs(clip.frames - np.rint(FRAMES * (255 / FRAMES.max()))).max() <= 1
    assert clip.fps == pytest.approx(83.28) and clip.pixel_mm == pytest.approx(2.4)


HEADER = [("matrix_size", "<u2", 3), ("field_of_view", "<f4", 3), ("read_dir", "<f4", 3), ("phase_dir", "<f4", 3)]


def ismrmrd(path, data, read_dir=(0, 1, 0), phase_dir=(0, 0, -1), group="dataset/image_0"):
    """data (frames, channels, z, y, x)."""
    header = np.zeros(len(data), HEADER)
    header["matrix_size"], header["read_dir"], header["phase_dir"] = data.shape[:1:-1], read_dir, phase_dir
    header["field_of_view"] = np.array(data.shape[:1:-1]) * 2.4
    with h5py.File(path, "w") as file:
        file[f"{group}/data"], file[f"{group}/header"] = data, header
        file[f"{group}/attributes"] = [b"<ismrmrdMeta/>"] * len(data)
        file["dataset/xml"] = [b"<subjectInformation><patientName>Hanako</patientName></subjectInformation>"]
    return path


def test_ismrmrd_images(tmp_path):
    path = ismrmrd(tmp_path / "a.h5", FRAMES[:, None, None].astype(np.float32))
    with pytest.raises(InputError, match="give it with --fps"):
        read_clip(path)
    clip = read_clip(path, fps=50)
    expected = np.rint(FRAMES * (255 / FRAMES.max()))
    assert np.abs(clip.frames - expected).max() <= 1
    assert clip.pixel_mm == pytest.approx(2.4) and clip.details["plane"] == "sagittal"
    assert "Hanako" not in repr(clip)
    # Two coils with a phase each, as ISMRMRD stores complex numbers; the picture upside down and mirrored.
    near = np.linspace(0, 1, FRAMES.shape[2])
    coils = np.stack([FRAMES * np.sqrt(near), FRAMES * np.sqrt(1 - near) * 1j], axis=1)[:, :, None, ::-1, ::-1]
    stored = np.zeros(coils.shape, [("real", "<f4"), ("imag", "<f4")])
    stored["real"], stored["imag"] = coils.real, coils.imag
    path = ismrmrd(tmp_path / "b.h5", stored, (0, -1, 0), (0, 0, 1))
    assert np.abs(read_clip(path, fps=50).frames - expected).max() <= 1
    with pytest.raises(InputError, match="shows 4 slices"):
        read_clip(ismrmrd(tmp_path / "c.h5", np.ones((3, 1, 4, 20, 20), np.float32)), fps=50)


def test_hdf5_that_is_no_clip(tmp_path):
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file["dataset/data"] = np.zeros(4, [("head", "<u4"), ("traj", "<f4", 3), ("data", "<f4", 8)])
    with pytest.raises(InputError, match="reconstruct it first"):
        read_clip(tmp_path / "raw.h5", fps=50)
    # Values that lie in another file of the machine are not read.
    (tmp_path / "secret.bin").write_bytes(bytes(FRAMES))
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file.create_dataset("frames", FRAMES.shape, "u1", external=[(str(tmp_path / "secret.bin"), 0, FRAMES.size)])
    with pytest.raises(InputError, match="refers to other files"):
        read_clip(tmp_path / "link.h5", fps=50)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["frames"] = FRAMES
    with h5py.File(tmp_path / "outer.h5", "w") as file:
        file["frames"] = h5py.ExternalLink("other.h5", "frames")
    with pytest.raises(InputError, match="holds no array"):
        read_clip(tmp_path / "outer.h5", fps=50)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.mat", "a.h5", "a.dcm"])
def test_garbage_is_one_sentence(tmp_path, name):
    (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(3000))
    with pytest.raises(InputError, match="can be read"):
        read_clip(tmp_path / name, fps=20)


def test_limits_are_asked_before_anything_is_unpacked(tmp_path, monkeypatch):
    limits = ClipLimits(most_frames=5)
    scipy.io.savemat(tmp_path / "a.mat", {"v": SQUARE, "fps": 9})
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["frames"] = SQUARE
    nifti(tmp_path / "a.nii.gz", FRAMES)
    monkeypatch.setattr(mat5, "_numbers", lambda *a, **k: pytest.fail("unpacked"))
    monkeypatch.setattr(nibabel.Nifti1Image, "get_fdata", lambda *a, **k: pytest.fail("unpacked"))
    for name in ("a.mat", "a.h5", "a.nii.gz"):
        with pytest.raises(InputError, match="more than 5 frames"):
            read_clip(tmp_path / name, fps=20, limits=limits)


@pytest.mark.parametrize(("name", "package"), [("a.nii", "nibabel"), ("a.h5", "h5py"), ("a.dcm", "pydicom")])
def test_a_missing_library_is_named(tmp_path, monkeypatch, name, package):
    (tmp_path / name).write_bytes(b"0" * 200)
    known = builtins.__import__
    missing = {package: None}
    monkeypatch.setitem(__import__("sys").modules, package, missing[package])
    with pytest.raises(InputError, match=f"package {package} is needed: pip install {package}"):
        read_clip(tmp_path / name, fps=20)
    assert builtins.__import__ is known


RATES = {"inf": np.inf, "nan": np.nan, "negative": -25.0, "nought": 0.0, "huge": 1e6, "many": np.array([25.0, 30.0])}


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("kind", ["npz", "mat", "mat73", "h5"])
def test_a_rate_that_cannot_be_is_refused(tmp_path, kind, name):
    path = saved_with(tmp_path, kind, RATES[name])
    with pytest.raises(InputError, match="frame rate.* with --fps"):
        read_clip(path)
    assert read_clip(path, fps=25).fps == pytest.approx(25)


@pytest.mark.parametrize("kind", ["npz", "mat", "mat73", "h5"])
@pytest.mark.parametrize("rate", [np.array([25.0]), np.array([[25]], np.int16), np.float32(25), 25])
def test_a_rate_however_wrapped(tmp_path, kind, rate):
    assert read_clip(saved_with(tmp_path, kind, rate)).fps == pytest.approx(25)


def saved_with(folder, kind, rate):
    path = folder / f"a.{'mat' if kind == 'mat73' else kind}"
    if kind == "npz":
        np.savez(path, frames=FRAMES, fps=rate)
    elif kind == "mat":
        scipy.io.savemat(path, {"frames": FRAMES.transpose(1, 2, 0), "fps": rate})
    elif kind == "mat73":
        matlab73(path, frames=FRAMES.transpose(1, 2, 0), fps=rate)
    else:
        with h5py.File(path, "w") as file:
            file["frames"], file.attrs["fps"] = FRAMES, rate
    return path


@pytest.mark.parametrize("frame_s", [np.inf, np.nan, -0.04, 1e-6])
def test_a_nifti_whose_frames_last_no_time_that_can_be(tmp_path, frame_s):
    path = nifti(tmp_path / "a.nii", FRAMES)
    raw = bytearray(path.read_bytes())
    raw[76 + 16 : 76 + 20] = np.float32(frame_s).tobytes()  # pixdim[4]
    path.write_bytes(raw)
    with pytest.raises(InputError, match="frame rate is .* with --fps"):
        read_clip(path)
    assert read_clip(path, fps=25).fps == pytest.approx(25)


def test_a_damaged_compressed_mat_is_one_sentence(tmp_path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"frames": FRAMES.transpose(1, 2, 0), "fps": 25.0}, do_compression=True)
    whole = path.read_bytes()
    for at in range(130, len(whole), len(whole) // 40):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        with pytest.raises(InputError):
            read_clip(path)


def test_whatever_a_reader_raises_becomes_a_sentence(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", FRAMES)
    for fault in (RecursionError("deep"), KeyError("x"), PermissionError(13, "Permission denied")):

        def broken(*arguments, fault=fault):
            raise fault

        monkeypatch.setattr("rtmri2speech.clips.formats.arrays.read_array", broken)
        with pytest.raises(InputError, match=r"a\.npy"):
            read_clip(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "c16"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_of_number_that_scipy_writes(tmp_path, kind, packed):
    values = np.random.default_rng(0).integers(0, 100, (5, 4, 3)).astype(kind)
    values = values * (1 + 2j) if kind == "c16" else values
    arrays = {"a_long_name_of_an_array": values, "b": np.float64(2.5), "text": "no numbers", "c": np.zeros((0, 3))}
    scipy.io.savemat(tmp_path / "a.mat", arrays, do_compression=packed)
    known = {one.name: one for one in mat5.variables(tmp_path / "a.mat")}
    assert set(known) == {"a_long_name_of_an_array", "b", "c"} and known["c"].read().shape == (0, 3)
    read = known["a_long_name_of_an_array"].read()
    np.testing.assert_array_equal(read, values)
    assert (read.dtype == values.dtype or kind == "c16") and known["b"].read().item() == 2.5
