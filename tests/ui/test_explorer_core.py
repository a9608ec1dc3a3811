"""The explorer's arithmetic in Node, against the core's own results."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from rtmri2speech.attribution.normalisation import clip_scale, display_grid
from rtmri2speech.attribution.upsampling import upsample_grid
from rtmri2speech.render.colour import BAND_MAPS, blend, colour_table, diverging_layer, layer, levels, signed_levels


def test_the_explorers_arithmetic_is_the_cores(tmp_path):
    node = shutil.which("node")
    if not node:
        if os.environ.get("CI"):
            pytest.fail("No Node found: install it.")
        pytest.skip("No Node found.")
    rng = np.random.default_rng(1)
    cam = rng.normal(size=(5, 8, 8)).astype(np.float32)
    heat = display_grid(cam, "clip")
    scale = clip_scale(np.maximum(cam, 0))
    gray = rng.integers(0, 256, (64, 64)).astype(np.uint8)
    both = [levels(upsample_grid(grids, (64, 64))[0]) for grids in (heat, heat[::-1])]
    layers = [layer(name, 0.7) for name in ("orange", "blue")]
    one, diverging = layer("berlin", 0.6), diverging_layer("berlin", 0.6)
    linear = cv2.resize(cam[0], (64, 64), interpolation=cv2.INTER_LINEAR)
    cases = {
        "grid": cam[0],
        "enlarged": {
            "cubic": upsample_grid(cam, (64, 64))[0],
            "linear": linear,
            "cells": cam[0].repeat(8, axis=0).repeat(8, axis=1),
        },
        "cam": cam[2],
        "scale": scale,
        "heat": heat[2],
        "signed_levels": signed_levels(cam[2], scale),
        "table": colour_table("berlin"),
        "layer": {"paint": one.paint, "keep": one.keep},
        "diverging": {"paint": diverging.paint, "keep": diverging.keep},
        "tables": [colour_table("orange"), colour_table("blue")],
        "gray": gray,
        "levels": both,
        "blended": blend(gray, both, layers),
        "four": four_bands(gray, [levels(upsample_grid(heat, (64, 64))[k]) for k in range(4)]),
    }
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases, default=lambda array: array.ravel().tolist()), encoding="utf-8")
    done = subprocess.run(
        [node, "--test", Path(__file__).with_name("explorer_core.test.js")],
        env={**os.environ, "EXPLORER_CASES": str(file)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr


def four_bands(gray, heat_levels) -> dict:
    """Each pixel as one band alone would paint it: the hottest there."""
    alone = np.stack(
        [blend(gray, [level], [layer(name, 0.7)]) for level, name in zip(heat_levels, BAND_MAPS, strict=True)]
    )
    hottest = np.argmax(heat_levels, axis=0)  # of equals, the first
    blended = np.take_along_axis(alone, hottest[None, ..., None], axis=0)[0]
    return {"levels": heat_levels, "tables": [colour_table(name) for name in BAND_MAPS], "blended": blended}
