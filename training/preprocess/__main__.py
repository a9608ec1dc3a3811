"""A corpus of recordings -> the dataset the training reads.

    python -m training.preprocess --data_dir CORPUS --out_dir DATASET

samples/<ID>/mri.npy     (T, H, W) uint8, at the mel's frame rate, each frame scaled to its own minimum and maximum (or
                         as recorded; training scales either way)
samples/<ID>/mel_db.npy  (T, n_mels) float32
samples/<ID>/mask.npy    (T,) bool, false where the sound ends before the pictures do, or made no row of the mel
samples/<ID>/regions.npy, articulation.npy    of a phantom with its truth beside it only
(training.preprocess.phantom_truth) samples/<ID>/source.json what it was made from, with which settings, and the checks
scaler.json, meta.json   per-bin mean and deviation; settings, recordings, and the recordings left out with the reason

With --thesis and --pairs or --pairs_npy the files are those of the thesis' own preprocessing, number for number, as far
as docs/thesis_model_settings.md tells.

A sample appears when it is complete, so a run that was stopped goes on where it was. Exit code 0: all recordings are
in; 1: some were left out; 2: nothing could be done.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from rtmri2speech.errors import InputError
from rtmri2speech.files import refuse_overwriting_inputs
from rtmri2speech.restore import METHODS
from rtmri2speech.spec import FrameSpec, MelSpec

from ..engine.console import plain_errors
from .sample import Settings
from .sources import find_sources, read_speakers
from .synchronisation import CorpusLag, corpus_lag
from .thesis_pairs import write_filelists, write_pairs_npy, write_pairs_npz
from .write_dataset import corpus_peak, require_same_dataset, set_aside, shift_of, write_dataset


def preprocess(
    data_dir: Annotated[
        Path,
        Option("--data_dir", help="Folder of videos, .nii, .mat, .h5, or folders of numbered pictures or DICOM."),
    ],
    out_dir: Annotated[Path, Option("--out_dir", help="The dataset; an unfinished one is gone on with.")],
    audio_dir: Annotated[
        Path | None,
        Option("--audio_dir", help="Folder of sound files of the same names. Default: beside the videos, or inside."),
    ] = None,
    fps: Annotated[float | None, Option("--fps", help="Frame rate of recordings that are no videos.")] = None,
    sr: Annotated[int, Option("--sr", help="Sampling rate of the mel, Hz.")] = MelSpec.sample_rate,
    n_mels: Annotated[int, Option("--n_mels")] = MelSpec.n_mels,
    n_fft: Annotated[int, Option("--n_fft")] = MelSpec.n_fft,
    hop_length: Annotated[int, Option("--hop_length")] = MelSpec.hop_length,
    win_length: Annotated[int, Option("--win_length")] = MelSpec.win_length,
    preemph: Annotated[float, Option("--preemph", help="Pre-emphasis coefficient.")] = MelSpec.preemphasis,
    layout: Annotated[str, Option("--layout", help="centred, or thesis (unpadded, 71 ms late).")] = MelSpec.layout,
    size: Annotated[int, Option("--size", help="Side of the stored pictures, pixels.")] = FrameSpec.size,
    level: Annotated[
        float | None, Option("--level", help="Bring every recording's speech to this level, dB re full scale.")
    ] = None,
    peak: Annotated[
        float | None,
        Option("--peak", help="One gain for all recordings: the loudest sample of the corpus becomes this."),
    ] = None,
    top_db: Annotated[
        float | None, Option("--top_db", help="Raise mel values further than this below a recording's largest to that.")
    ] = None,
    gray: Annotated[
        str, Option("--gray", help="Stored pictures: stretched (each to its own range) or recorded (as they are).")
    ] = Settings.gray,
    mask: Annotated[
        str | None,
        Option("--mask", help="tract: also write where the vocal tract is (tract.npz), for data.view=tract."),
    ] = None,
    thesis: Annotated[
        bool, Option("--thesis", help="The thesis' numbers: --layout thesis --top_db 80 --gray recorded --peak 1.")
    ] = False,
    sync: Annotated[
        int,
        Option("--sync", help="Of so many recordings, spread over all, tell whether sound and pictures are in step."),
    ] = 20,
    shift_ms: Annotated[
        str, Option("--shift_ms", help="Move all sounds earlier by this, ms; auto: by what --sync finds, if anything.")
    ] = "0",
    max_mismatch_s: Annotated[
        float, Option("--max_mismatch_s", help="Leave out recordings whose sound and pictures differ by more, s.")
    ] = Settings.longest_mismatch_s,
    max_clipped: Annotated[
        float, Option("--max_clipped", help="Leave out recordings with a larger share of clipped samples.")
    ] = Settings.most_clipped,
    restore: Annotated[
        str | None,
        Option("--restore", help="Clean the sound: classical or neural. Originals stay; samples are labelled."),
    ] = None,
    allow_restored: Annotated[
        bool, Option("--allow_restored", help="Also take sound files that say they were restored before.")
    ] = False,
    speakers: Annotated[Path | None, Option("--speakers", help="CSV file: id, speaker.")] = None,
    speaker_pattern: Annotated[
        str, Option("--speaker_pattern", help="Regular expression; its first group in an id is the speaker.")
    ] = r"^(s\d+)_",
    ref_frames: Annotated[int, Option("--ref_frames", help="Frames a window of the pair files.")] = 4,
    pairs: Annotated[bool, Option("--pairs", help="Also write pairs_ref<N>/<ID>.npz.")] = False,
    pairs_npy: Annotated[bool, Option("--pairs_npy", help="Also write pairs_ref<N>_npy/, for memory mapping.")] = False,
    hifigan_filelists: Annotated[
        bool, Option("--hifigan_filelists", help="Also write wavs/ and hifigan_filelists/{training,validation}.txt.")
    ] = False,
    restart: Annotated[
        bool, Option("--restart", help="Make anew a dataset that is there with other settings; the old one is kept.")
    ] = False,
    jobs: Annotated[int, Option("--jobs", help="Processes on this machine; -1: one a core.")] = -1,
    backend: Annotated[str, Option("--backend", help="loky (this machine) or dask.")] = "loky",
    scheduler: Annotated[str | None, Option("--scheduler", help="Address of a Dask scheduler.")] = None,
) -> None:
    """Turn a corpus of recordings into a dataset for training. Exit code 1: some recordings were left out."""
    with plain_errors():
        if backend not in ("loky", "dask"):
            raise InputError("--backend is loky or dask, not {backend!r}.", backend=backend)
        if thesis:
            layout, top_db, gray, peak = "thesis", 80.0, "recorded", 1.0
        if peak is not None and level is not None:
            raise InputError("--peak is one gain for all recordings, --level one for each: give one of them.")
        if (pairs or pairs_npy) and size != 256:
            raise InputError(
                "--pairs are for the thesis' programs, which read pictures of 256 pixels: leave out --size."
            )
        mel = MelSpec(sr, n_fft, win_length, hop_length, n_mels, preemphasis=preemph, layout=layout)
        if mask not in (None, "tract"):
            raise InputError("--mask is tract, not {mask!r}.", mask=mask)
        if restore not in (None, *METHODS):
            raise InputError("--restore is {known}, not {restore!r}.", known=" or ".join(METHODS), restore=restore)
        settings = Settings(
            mel,
            FrameSpec(size, mask or FrameSpec.view),
            fps,
            level,
            max_mismatch_s,
            max_clipped,
            restore=restore,
            allow_restored=allow_restored,
            top_db=top_db,
            gray=gray,
        )
        named = read_speakers(speakers) if speakers else None
        sources, unusable = find_sources(data_dir, audio_dir, named, speaker_pattern)
        made = ["samples", "scaler.json", "meta.json", *(["wavs", "hifigan_filelists"] if hifigan_filelists else [])]
        recordings = [file for source in sources for file in (source.video, source.audio)]
        refuse_overwriting_inputs((out_dir / name for name in made), [data_dir, audio_dir, speakers, *recordings])
        cluster = dict(jobs=jobs, backend=backend, scheduler=scheduler)
        lag = corpus_lag(sources, settings, sync, **cluster) if sync > 0 else None
        if lag:
            print(lag.sentence(), flush=True)
        settings = replace(settings, shift_s=_shift_s(shift_ms, lag, None if restart else shift_of(out_dir)))
        if settings.shift_s:
            print(f"all sounds are moved earlier by {1000 * settings.shift_s:g} ms", flush=True)
        if restart:
            set_aside(out_dir)
        require_same_dataset(out_dir, settings)
        told = lag.to_json() if lag else None
        if peak is not None:
            settings = replace(settings, gain=peak / corpus_peak(sources, settings, **cluster))
        meta = write_dataset(sources, unusable, settings, out_dir, keep_wav=hifigan_filelists, sync=told, **cluster)
        if pairs:
            write_pairs_npz(out_dir, ref_frames)
        if pairs_npy:
            write_pairs_npy(out_dir, ref_frames)
        if hifigan_filelists:
            write_filelists(out_dir)
    used, skipped = len(meta["utterances"]), len(meta["skipped"])
    print(f"{used} recordings, {meta['total_s'] / 60:.1f} min, in {out_dir}; {skipped} left out")
    for id_, reason in meta["skipped"].items():
        print(f"left out {id_}: {reason}", file=sys.stderr)
    raise SystemExit(1 if skipped else 0)


def _shift_s(asked: str, lag: CorpusLag | None, before_s: float | None) -> float:
    """before_s: of a dataset that is gone on with, whose shift "auto" keeps."""
    if asked != "auto":
        try:
            return float(asked) / 1000
        except ValueError:
            raise InputError("--shift_ms is a number of milliseconds or auto, not {asked!r}.", asked=asked) from None
    if before_s is not None:
        return before_s
    if lag is None or lag.lag_s is None:
        raise InputError("--shift_ms auto needs to know the shift, and it cannot be told: give it in milliseconds.")
    return 0.0 if lag.in_step else lag.lag_s


if __name__ == "__main__":
    typer.run(preprocess)
