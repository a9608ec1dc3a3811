"""The command makes a corpus that a laboratory could have recorded, with the truth behind it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import parselmouth
import pytest
import soundfile as sf

from training.phantom.corpus import Task, plan_random, utterance_of

FPS = 11413 / 420
PHRASE = "a i u, mapa"
NAMES = ("s01_0000", "s02_0000")  # a man and a child


def phantom(*arguments: str) -> subprocess.CompletedProcess:
    root = Path(__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-m", "training.phantom", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def command(folder: Path) -> list[str]:
    return ["--out", str(folder), "--phrase", PHRASE, "--first-speaker", "1", "--speakers", "2", "--workers", "2"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("phantom")
    done = phantom(*command(folder))
    assert done.returncode == 0, done.stderr
    return folder


def read(folder: Path, name: str):
    with av.open(str(folder / f"{name}.mkv")) as container:
        stream = container.streams.video[0]
        rate = stream.average_rate
        frames = np.stack([f.to_ndarray(format="gray") for f in container.decode(stream)])
    audio, sample_rate = sf.read(folder / f"{name}.wav")
    return frames, rate, audio, sample_rate, np.load(folder / f"{name}.truth.npz")


@pytest.fixture(scope="module", params=NAMES)
def utterance(corpus, request):
    return read(corpus, request.param)


def phone_frames(truth, name: str, margin_s: float = 0.03) -> np.ndarray:
    """Frames whose middle lies well inside a phone of this name."""
    middle = (np.arange(len(truth["tract"])) + 0.5) / FPS
    inside = np.zeros(len(middle), bool)
    for phone, a, b in zip(truth["phones"], truth["phone_start_s"], truth["phone_end_s"], strict=True):
        if phone == name:
            inside |= (middle > a + margin_s) & (middle < b - margin_s)
    return np.flatnonzero(inside)


def test_frames_sound_and_truth_are_in_step(utterance):
    frames, rate, audio, sample_rate, truth = utterance
    assert rate == pytest.approx(FPS, rel=1e-6)
    assert frames.shape[1:] == (256, 256) and frames.dtype == np.uint8
    assert abs(len(audio) / sample_rate - len(frames) / FPS) < 1e-4
    assert audio.ndim == 1 and np.abs(audio).max() <= 0.96
    for name in ("labels", "tract", "glottis", "area_cm2", "formants_hz", "f0_hz"):
        assert len(truth[name]) == len(frames), name


def test_sound_comes_when_the_phones_say_so(utterance):
    _, _, audio, rate, truth = utterance
    speech = [
        (a, b)
        for p, a, b in zip(truth["phones"], truth["phone_start_s"], truth["phone_end_s"], strict=True)
        if p != "_"
    ]
    level = 10 * np.log10(np.convolve(audio**2, np.ones(441) / 441, "same") + 1e-12)
    loud = np.flatnonzero(level > level.max() - 25) / rate
    assert abs(loud[0] - speech[0][0]) < 0.05 and -0.15 < loud[-1] - speech[-1][1] < 0.05
    assert level[: int(0.8 * speech[0][0] * rate)].max() < level.max() - 45


def test_praat_hears_the_pitch_and_the_vowels_that_the_truth_states(utterance):
    _, _, audio, rate, truth = utterance
    sound = parselmouth.Sound(audio, rate)
    pitch = sound.to_pitch(0.01, 60, 450)
    child = truth["f0_hz"].max() > 180
    found = sound.to_formant_burg(maximum_formant=6500 if child else 5200)
    for vowel in ("a", "i"):
        k = phone_frames(truth, vowel, 0.06)
        t = (k + 0.5) / FPS
        hz = np.array([pitch.get_value_at_time(x) for x in t])
        assert np.nanmedian(np.abs(hz / truth["f0_hz"][k] - 1)) < 0.05
        f2 = np.nanmedian([found.get_value_at_time(2, x) for x in t])
        assert f2 == pytest.approx(np.nanmedian(truth["formants_hz"][k, 1]), rel=0.2)


def test_lips_close_and_the_velum_opens_where_they_should(utterance):
    truth = utterance[-1]
    closed, vowel, nasal = (phone_frames(truth, p, margin) for p, margin in (("p", 0.0), ("a", 0.06), ("m", 0.02)))
    mouth = truth["area_cm2"][:, 20:]
    assert mouth[closed, -4:].min() < 0.01 and np.median(mouth[vowel].min(1)) > 0.3
    velum = truth["tract"][:, list(truth["tract_names"]).index("VO")]
    assert velum[nasal].max() > 0.2 and velum[phone_frames(truth, "i", 0.08)].max() < 0.05


def test_the_mouth_is_shut_at_rest_and_in_p_and_open_in_a(utterance):
    """In the label map: is the air before the face joined to the air in the mouth?"""
    truth = utterance[-1]
    classes = list(truth["classes"])

    def open_mouth(frame: np.ndarray) -> bool:
        air = np.isin(frame, [classes.index(c) for c in ("outside", "airway")]).astype(np.uint8)
        _, parts = cv2.connectedComponents(air, connectivity=4)
        mouth = parts[frame == classes.index("airway")]
        return bool(np.mean(mouth == parts[64, 2]) > 0.5)

    labels = truth["labels"]
    assert not open_mouth(labels[2])
    assert not open_mouth(labels[-2])
    p = phone_frames(truth, "p", 0.0)
    assert not open_mouth(labels[p[np.argmin(truth["area_cm2"][p, -4:].min(1))]])
    assert all(open_mouth(labels[k]) for k in phone_frames(truth, "a", 0.08))


def test_voicing_can_be_seen_at_the_glottis(utterance):
    frames, _, _, _, truth = utterance
    at = truth["labels"] == list(truth["classes"]).index("glottis")
    brightness = np.array(
        [np.mean(cv2.resize(f, (128, 128), interpolation=cv2.INTER_AREA)[a]) for f, a in zip(frames, at, strict=True)]
    )
    voiced, rest = phone_frames(truth, "a", 0.06), np.r_[1:5]
    assert brightness[voiced].mean() > 1.8 * brightness[rest].mean()


def test_praat_reads_the_textgrid(corpus):
    grid = parselmouth.read(str(corpus / f"{NAMES[0]}.TextGrid"))
    info = parselmouth.praat.call(grid, "List", False, 6, False, False)
    spoken = [line.split("\t")[1] for line in info.splitlines()[1:]]
    assert spoken == "a i u m a p a".split()
    assert grid.xmax == pytest.approx(sf.info(corpus / f"{NAMES[0]}.wav").duration, abs=1e-3)


def test_corpus_json_names_seed_speakers_and_utterances(corpus):
    about = json.loads((corpus / "corpus.json").read_text(encoding="utf-8"))
    assert about["seed"] == 0 and set(about["utterances"]) == set(NAMES)
    man, child = about["speakers"]["s01"], about["speakers"]["s02"]
    assert man["scale_x"] > child["scale_x"] and man["f0_hz"] < child["f0_hz"]
    assert "vocaltractlab-cython" in about["versions"]


@pytest.mark.slow
def test_what_is_missing_is_made_again_the_same_and_nothing_else_is_touched(corpus):
    kept, lost = (corpus / f"{name}.wav" for name in NAMES)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(corpus.iterdir())}
    lost.unlink()
    (corpus / f"{NAMES[1]}.mkv").unlink()
    done = phantom(*command(corpus))
    assert done.returncode == 0, done.stderr
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(corpus.iterdir())}
    assert set(after) == set(before)
    assert after[kept] == before[kept]
    assert after[lost][0] == before[lost][0]
    assert np.array_equal(read(corpus, NAMES[1])[0][0].shape, (256, 256))


def test_another_seed_does_not_mix_with_a_corpus(corpus):
    done = phantom(*command(corpus), "--seed", "1")
    assert done.returncode == 2 and "another corpus" in done.stderr


@pytest.mark.parametrize(
    "bad", [["--phrase", "xyz"], ["--phrase", "/a Q/"], ["--minutes", "0"], ["--first-speaker", "99"]]
)
def test_bad_input_is_one_sentence_and_leaves_nothing(tmp_path, bad):
    done = phantom("--out", str(tmp_path / "new"), *bad)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1 and re.search(r"[.]$", done.stderr.strip())
    assert not (tmp_path / "new").exists()


def test_speakers_take_turns_and_utterances_do_not_depend_on_the_plan():
    short, long = plan_random(3, range(4), 0.5), plan_random(3, range(4), 1.0)
    assert long[: len(short)] == short
    assert [t.speaker for t in long[:8]] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert sum(utterance_of(t)[1].duration_s for t in long) >= 60
    assert utterance_of(long[-1]) == utterance_of(Task(3, long[-1].speaker, long[-1].number))


@pytest.mark.slow
def test_without_pictures_sound_and_truth_are_those_of_the_clip(corpus, tmp_path):
    done = phantom(*command(tmp_path), "--no-pictures")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("*.mkv"))
    for name in NAMES:
        assert (tmp_path / f"{name}.wav").read_bytes() == (corpus / f"{name}.wav").read_bytes()
        heard, seen = (np.load(folder / f"{name}.truth.npz") for folder in (tmp_path, corpus))
        assert set(seen.files) - set(heard.files) == {"labels", "classes", "regions"}
        assert all(np.array_equal(heard[key], seen[key]) for key in heard.files)


@pytest.mark.slow
def test_the_mouth_moves_in_long_pauses_without_a_sound(tmp_path):
    options = ["--minutes", "0.1", "--speakers", "2", "--seed", "5", "--no-pictures", "--long-pauses"]
    done = phantom("--out", str(tmp_path), *options)
    assert done.returncode == 0, done.stderr
    moved = []
    for path in sorted(tmp_path.glob("*.truth.npz")):
        truth = np.load(path)
        audio, rate = sf.read(path.with_name(path.name.replace(".truth.npz", ".wav")))
        level = 10 * np.log10(np.convolve(audio**2, np.ones(441) / 441, "same") + 1e-12)
        for phone, a, b in zip(truth["phones"], truth["phone_start_s"], truth["phone_end_s"], strict=True):
            if phone == "_" and b - a > 0.8:
                within = slice(round((a + 0.25) * rate), round((b - 0.2) * rate))
                assert level[within].max() < level.max() - 45
                shown = truth["tract"][round((a + 0.25) * FPS) : round((b - 0.2) * FPS)]
                moved.append(np.ptp(shown, axis=0).max())
    assert len(moved) >= 2 and max(moved) > 0.3
