"""Reach: every pair of frames at once, against one backward pass per frame; its memory, and what the page is sent."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from rtmri2speech.attribution.targets import band_energy
from rtmri2speech.attribution.temporal import TemporalAttribution, contributions
from rtmri2speech.clips.preprocessing import prepare_frames
from rtmri2speech.models.features import BATCH, FeatureExtractor
from rtmri2speech.spec import F2
from rtmri2speech.speech.mel import band_bins
from rtmri2speech.ui.explorer.payload import temporal_payload

from .material import FPS, frames, thesis_bundle
from .timing import best_seconds

LENGTHS = (100, 200, 400, 800)


def measure() -> dict:
    bundle, made = thesis_bundle(), 100
    target = band_energy(band_bins(bundle.mel, F2))
    model, scaler = bundle.acoustic, bundle.scaler
    prepared = prepare_frames(frames(made), 256)
    extract = FeatureExtractor(model)
    chunks = [prepared[k : k + BATCH] for k in range(0, made, BATCH)]
    features = extract(chunks, made)

    def of(count):
        return features.repeat(-(-count // made), 1)[:count]

    def one_backward_per_frame():
        g = of(LENGTHS[0]).clone().requires_grad_(True)
        values = target(scaler.to_db(model.mel_from_features(g[None])[0]))
        for t in range(len(g)):
            torch.autograd.grad(values[t], g, retain_graph=True)

    pairs = {str(n): lambda n=n: contributions(model, scaler, of(n), target) for n in LENGTHS}
    contributions(model, scaler, of(10), target)
    base = _resident()  # of a process in which none ran: what one leaves behind, the next does not seem to take
    peaks = {n: (_peak(pairs[str(n)]) - base) / 2**20 for n in LENGTHS}
    seconds = best_seconds({"CNN": lambda: extract(chunks, made)} | pairs, repeats=2)
    plain = best_seconds({"plain": one_backward_per_frame}, repeats=1)["plain"]
    sent = {}
    for count in LENGTHS:
        found = TemporalAttribution(F2, float(FPS), pairs[str(count)](), np.zeros(count, bool))
        sent[count] = len(json.dumps(temporal_payload([found], "clip"))) / 2**10
    first, last = LENGTHS[0], LENGTHS[-1]
    return {
        f"CNN, T = {made} (s)": seconds["CNN"],
        **{f"all pairs of one band, T = {n} (s)": seconds[str(n)] for n in LENGTHS},
        f"share of the CNN's time, T = {made} (%)": 100 * seconds[str(made)] / seconds["CNN"],
        f"one backward per frame, T = {first} (s)": plain,
        f"times its speed, T = {first}": plain / seconds[str(first)],
        f"time at T = {last} over T = {first}": seconds[str(last)] / seconds[str(first)],
        **{f"memory it takes at most, T = {n} (MiB)": peaks[n] for n in LENGTHS},
        **{f"what the page is sent of a band, T = {n} (KiB)": sent[n] for n in LENGTHS},
    }


def _peak(work: Callable[[], object]) -> int:
    """Bytes that this process has at most while it works, read every millisecond."""
    most, done = 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.001):
            most = max(most, _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    work()
    done.set()
    watcher.join()
    return most


def _resident() -> int:
    """Bytes, on Linux."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
