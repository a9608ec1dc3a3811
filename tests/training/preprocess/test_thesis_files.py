"""training.preprocess --thesis --pairs --pairs_npy against the thesis' preprocessing, and its training's reader.

Both are written out here from reading YamaneKoyo/mri-to-speech (preprocess_rtmri_data.py, dataset_fixedlen.py,
create_rtmri_filelists.py), with librosa as there.
"""

import json
import random
import sys
from itertools import pairwise

import librosa
import numpy as np
import pytest
import soundfile
import soxr

from tests.training.preprocess.test_preprocess import voice, write_video
from training.preprocess.__main__ import preprocess

RATE, HOP = 11413, 420
# id -> frames, seconds that the sound is longer than the pictures
RECORDINGS = {"s00_a": (40, 0.0), "s00_b": (33, 0.15), "s01_c": (37, -0.12), "s01_tiny": (7, 0.0)}


def pictures(count: int, seed: int) -> np.ndarray:
    """uint8 (count, 256, 256) that never reach black or white."""
    return np.random.default_rng(seed).integers(20, 200, (count, 256, 256)).astype(np.uint8)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The corpus, and the dataset made of it by the command."""
    folder = tmp_path_factory.mktemp("thesis")
    (folder / "corpus").mkdir()
    for seed, (id_, (count, longer_s)) in enumerate(RECORDINGS.items()):
        write_video(folder / "corpus" / f"{id_}.mkv", pictures(count, seed))
        sound = voice(count * HOP / RATE + longer_s, 20000, seed, level=0.1 + 0.1 * seed)
        sound[: len(sound) // 3] *= 1e-5  # far more than 80 dB below the rest
        soundfile.write(folder / "corpus" / f"{id_}.wav", sound, 20000, subtype="FLOAT")
    words = ["--thesis", "--pairs", "--pairs_npy", "--hifigan_filelists", "--jobs", "1"]
    places = ["--data_dir", str(folder / "corpus"), "--out_dir", str(folder / "out")]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        patch.setattr(sys, "argv", ["training.preprocess", *places, *words])
        import typer

        typer.run(preprocess)
    assert not end.value.code
    return folder / "corpus", folder / "out"


@pytest.fixture(scope="module")
def theirs(made) -> tuple[dict, dict]:
    """What the thesis' preprocessing makes of the corpus: id -> (pictures, mel in dB), and its scaler.json."""
    sounds = {}
    for id_ in RECORDINGS:
        samples, rate = soundfile.read(made[0] / f"{id_}.wav")
        sounds[id_] = soxr.resample(samples.astype(np.float32), rate, RATE, quality="VHQ")
    loudest = max(float(np.abs(sound).max()) for sound in sounds.values())
    samples = {}
    for seed, (id_, (count, _)) in enumerate(RECORDINGS.items()):
        sound = sounds[id_] / loudest
        flattened = np.concatenate([sound[:1], sound[1:] - 0.97 * sound[:-1]])
        power = librosa.feature.melspectrogram(
            y=flattened, sr=RATE, n_fft=2048, win_length=2048, hop_length=HOP, center=False, n_mels=64, fmin=0
        )
        mel = librosa.power_to_db(power, ref=1.0).T.astype(np.float32)
        frames = min(count, len(sound) // HOP, len(mel))
        samples[id_] = pictures(count, seed)[:frames].astype(np.float32) / 255, mel[:frames]
    rows = np.concatenate([mel for _, mel in samples.values()]).astype(np.float64)
    return samples, {"mean": rows.mean(axis=0), "std": rows.std(axis=0), "count_frames": len(rows)}


def read_npy(folder) -> dict:
    """As the thesis' reader takes memory-mapped pairs: a folder a recording, what does not fit is skipped."""
    found = {}
    for place in sorted(p for p in folder.iterdir() if p.is_dir()):
        arrays = {name: np.load(place / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in NAMES}
        assert arrays["mri"].ndim == 5 and arrays["mri"].shape[1] == 4 and arrays["mri"].shape[-2:] == (256, 256)
        found[place.name] = arrays
    return found


def read_npz(folder) -> dict:
    found = {}
    for file in sorted(folder.glob("*.npz")):
        with np.load(file, allow_pickle=False) as data:
            found[file.stem] = {name: data[name] for name in NAMES}
    return found


NAMES = ("mri", "mel", "mask")


@pytest.mark.parametrize(("folder", "read"), [("pairs_ref4_npy", read_npy), ("pairs_ref4", read_npz)])
def test_pairs_are_the_thesis_files(made, theirs, folder, read):
    samples, scaler = theirs
    found = read(made[1] / folder)
    assert found.keys() == {id_ for id_, (_, mel) in samples.items() if len(mel) >= 4} == set(RECORDINGS) - {"s01_tiny"}
    for id_, arrays in found.items():
        frames, mel = samples[id_]
        assert {a.dtype for a in arrays.values()} == {np.dtype(np.float32)}
        standard = (mel - scaler["mean"].astype(np.float32)) / scaler["std"].astype(np.float32)
        windows = range(len(mel) - 3)
        assert arrays["mri"].shape == (len(windows), 4, 1, 256, 256)
        np.testing.assert_array_equal(arrays["mri"][:, :, 0], [frames[k : k + 4] for k in windows])
        np.testing.assert_allclose(arrays["mel"], [standard[k : k + 4] for k in windows], atol=2e-3)
        np.testing.assert_array_equal(arrays["mask"], np.ones((len(windows), 4)))


def test_scaler_is_the_thesis_file(made, theirs):
    ours, (_, wanted) = json.loads((made[1] / "scaler.json").read_text()), theirs
    assert ours.keys() == wanted.keys() and ours["count_frames"] == wanted["count_frames"]
    np.testing.assert_allclose(ours["mean"], wanted["mean"], atol=1e-3)
    np.testing.assert_allclose(ours["std"], wanted["std"], rtol=1e-4)


def test_rows_that_no_sound_made_are_masked_and_stay_out_of_the_scaler(made, theirs):
    for id_, (_, mel) in theirs[0].items():
        sample = made[1] / "samples" / id_
        mask = np.load(sample / "mask.npy")
        assert mask.sum() == len(mel) < RECORDINGS[id_][0] + 1 and mask[: len(mel)].all()
        np.testing.assert_allclose(np.load(sample / "mel_db.npy")[mask], mel, atol=0.01)


def test_file_lists_are_the_thesis_files(made):
    ids = sorted(RECORDINGS)
    random.Random(42).shuffle(ids)
    for name, chosen in (("validation", ids[:1]), ("training", ids[1:])):
        text = (made[1] / "hifigan_filelists" / f"{name}.txt").read_text()
        assert text == "".join(f"{id_}|dummy|dummy\n" for id_ in chosen)
    assert all(a.split("|")[1:] == b.split("|")[1:] for a, b in pairwise(text.splitlines()))
    for id_ in ids:
        info = soundfile.info(made[1] / "wavs" / f"{id_}.wav")
        assert (info.samplerate, info.frames) == (RATE, RECORDINGS[id_][0] * HOP)
