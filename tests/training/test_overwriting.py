"""No command of the training package writes onto what it reads."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from rtmri2speech.spec import MelSpec
from tests.conftest import moving_frames, write_mp4

ROOT = Path(__file__).resolve().parents[2]
# Command -> its arguments, {place} being a folder of inputs; each would write onto one of them.
COMMANDS = {
    "training.preprocess": [
        "--data_dir {place}/corpus --out_dir {place}/corpus",
        "--data_dir {place}/corpus --audio_dir {place}/out/wavs --out_dir {place}/out --hifigan_filelists",
        "--data_dir {place}/old/samples --out_dir {place}/old",
    ],
    "training.acoustic": ["data_dir={place}/dataset run_dir={place}/dataset"],
    "training.vocoder": [
        "run_dir={place}/corpus +sources.a.folder={place}/corpus",
        "kind=ddsp run_dir={place}/corpus +sources.a.folder={place}/corpus",
        "run_dir={place}/run init_from={place}/run/checkpoints/step_00000001.pt +sources.a.folder={place}/corpus",
    ],
    "training.articulation.label_maps": ["out={place}/corpus corpus={place}/corpus clips=1"],
    "training.articulation.image_encoder": [
        "pictures=[{place}/text.txt] val_pictures=[] run_dir={place}/run init_from={place}/run",
    ],
    "training.articulation.mel_decoder": [
        "corpus={place}/corpus run_dir={place}/run init_from={place}/run val_speakers=[a]",
    ],
    "training.articulation.finetune": [
        "sight={place}/run speech={place}/old corpus={place}/corpus clips=[] val_clips=[] run_dir={place}/run"
    ],
    "training.vocoder.weight_interpolation": ["runs=[{place}/run,{place}/old] shares=[0.5,0.5] run_dir={place}/run"],
    "training.articulation.predict_mels": ["{place}/corpus --run {place}/run --out {place}/corpus"],
    "training.acoustic.predict_mels": [
        "{place}/dataset --out {place}/dataset",
        "{place}/dataset --out {place}/dataset/samples/a",
    ],
    "training.publish": [
        "--acoustic {place}/run --vocoder {place}/run --out {place}/run",
        "--acoustic {place}/run --vocoder {place}/old --out {place}/text.txt --data {place}/text.txt",
    ],
    "training.publish.segmenter": ["{place}/run -o {place}/run"],
    "training.acoustic.voicing_probe": ["{place}/corpus --bundle {place}/old --out {place}/old"],
    "training.evaluation.regions": ["{place}/corpus --json {place}/corpus/a.mp4"],
    "training.evaluation.localisation": ["{place}/corpus/a.mp4 --json {place}/corpus/a.mp4"],
    "training.evaluation.faithfulness": ["{place}/corpus/a.mp4 --json {place}/corpus/a.mp4"],
    "training.evaluation.sensitivity": ["{place}/corpus/a.mp4 --json {place}/corpus/a.mp4"],
    "training.evaluation.random_scanners": ["{place}/text.txt --sound {place}/corpus --json {place}/corpus/a.mp4"],
    "training.evaluation.domain_shift": ["{place}/corpus/a.mp4 --json {place}/corpus/a.mp4"],
    "training.restore": [
        "--config-name restore_small run_dir={place}/corpus +sources.a.folder={place}/corpus encoder={place}/encoder"
    ],
    "training.restore.pretrain": ["run_dir={place}/corpus +sources.a.folder={place}/corpus"],
    "training.publish.restoration": ["{place}/run -o {place}/run"],
    "training.evaluation.restoration": [
        "{place}/corpus --out {place}/corpus/a.wav",
        "{place}/corpus --examples {place}/corpus",
    ],
}
READ_NOTHING_OR_WRITE_NOTHING = {
    "training.phantom",
    "training.phantom.demo_clips",
    "training.evaluation.articulation",
    "training.evaluation.decoder_ceiling",
    "training.evaluation.copy_synthesis",
    "training.evaluation.mouth_opening",
    "training.evaluation.intonation",
    "training.evaluation.vowels",
    "training.segmentation",
}


def test_every_command_is_in_the_table():
    found = set()
    for file in (ROOT / "training").rglob("*.py"):
        if '__name__ == "__main__"' in file.read_text(encoding="utf-8"):
            name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            found.add(name.removesuffix(".__main__"))
    assert found == COMMANDS.keys() | READ_NOTHING_OR_WRITE_NOTHING


@pytest.fixture
def place(tmp_path):
    sound = (0.1 * np.sin(np.arange(16000) / 20)).astype(np.float32)
    for folder in ("corpus", "old/samples/a", "out/wavs", "dataset/samples/a", "run/checkpoints", "encoder"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("corpus", "old/samples/a"):
        write_mp4(tmp_path / folder / "a.mp4", moving_frames(27), 27, sound)
        soundfile.write(tmp_path / folder / "a.wav", sound, 16000)
    soundfile.write(tmp_path / "out" / "wavs" / "a.wav", sound, 16000)
    sample = {"mri": moving_frames(27), "mel_db": np.zeros((27, 64), np.float32), "mask": np.ones(27, bool)}
    for name, array in sample.items():
        np.save(tmp_path / "dataset" / "samples" / "a" / f"{name}.npy", array)
    mel = MelSpec().to_json()
    meta = {"mel": mel, "utterances": {"a": {"frames": 27, "speaker": None, "text": None}}}
    (tmp_path / "dataset" / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "dataset" / "scaler.json").write_text(json.dumps({"mean": [0.0] * 64, "std": [1.0] * 64}))
    (tmp_path / "run" / "settings.json").write_text("{}")
    (tmp_path / "run" / "checkpoints" / "step_00000001.pt").write_text("weights")
    (tmp_path / "text.txt").write_text("mine")
    return tmp_path


@pytest.mark.parametrize(("command", "words"), [(c, words) for c, several in COMMANDS.items() for words in several])
def test_no_command_writes_onto_its_inputs(place, monkeypatch, capsys, command, words):
    def contents():
        return {str(file): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}

    before = contents()
    monkeypatch.setattr(sys, "argv", [command, *words.format(place=place).split()])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(command, run_name="__main__", alter_sys=True)
    said = capsys.readouterr().err
    assert end.value.code == 2 and "would be" in said.splitlines()[-1], said
    assert contents() == before
