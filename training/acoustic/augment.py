"""Domain randomisation: one clip as another scanner, coil, head position and reconstruction might have shown it.

    augment(frames, rng, strength=1.0)    # uint8 (T, H, W) -> uint8 (T, H, W)

Everything is drawn once a clip (`draw`), then applied to its frames (`apply`). It runs in data loading, so it needs
NumPy and OpenCV only and costs 1 to 2 ms for a frame of 256 x 256 on one core. The order is the scanner's: first what
the slice contains (contrast, position), then how it is received (coil, noise, artefacts), on the scanner's own grid of
68 to 256 pixels, and last how it is shown. Frame rate and sound are left alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rtmri2speech.errors import InputError

# Pixels across the pictures of published corpora (USC-TIMIT 68 and 84, others 128 to 256).
NATIVE_SIZES = (68, 84, 128, 204, 256)
_UPSAMPLING = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
# About where the vocal tract lies in a picture of a whole head that looks to the left (x, y, of the width and height).
_TRACT = np.array([0.34, 0.5])
_NOISE_MARGIN = 48


@dataclass(frozen=True)
class Augmentation:
    """The parameters drawn for a clip: how its scanner would have shown it.

    Lengths are fractions of the picture's width, levels fractions of white.
    """

    tone: np.ndarray  # (256,) uint8, new level of each level
    zoom: np.ndarray  # (2,) across and down; above 1: a smaller field of view
    angle: float  # rad
    shift: np.ndarray  # (2,)
    wraps: bool  # what leaves on one side enters on the other
    sway: np.ndarray  # (3,) of angle (rad) and shifts in head motion
    sway_cycles: np.ndarray  # (3,) per 100 frames
    sway_phase: np.ndarray  # (3,)
    smear: float  # share of the two neighbouring frames in each frame
    native: float  # the scanner's pixels across, as a fraction of the largest of NATIVE_SIZES
    coil: np.ndarray  # (16, 16) float32 sensitivity
    haze: np.ndarray  # (16, 16) float32 background level
    noise: float
    flicker: float
    ghost: float  # level of a copy displaced by half the picture
    ghost_down: bool
    stripes: float  # level
    stripe_share: float  # of the frames have them
    stripe_wave: np.ndarray  # (2,) cycles across and down
    sharpen: float  # below 0: blur
    upsampling: int


def augment(frames: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """uint8 (T, H, W) -> uint8 (T, H, W), changed at random; strength 0 changes nothing, 1 spans the scanners we know.

    Raises InputError if `frames` are not uint8 (T, H, W) or `strength` is below 0.
    """
    return augment_together(frames, None, rng, strength)[0]


def augment_together(
    frames: np.ndarray, masks: np.ndarray | None, rng: np.random.Generator, strength: float = 1.0
) -> tuple[np.ndarray, np.ndarray | None]:
    """The same, and float32 masks (T, H, W) moved, turned and magnified as the frames are, in nothing else changed."""
    if frames.dtype != np.uint8 or frames.ndim != 3:
        raise InputError(
            "Augmentation takes uint8 frames (T, H, W), not {dtype} {shape}.", dtype=frames.dtype, shape=frames.shape
        )
    if not 0 <= strength <= 3:
        raise InputError("The strength of augmentation is between 0 (off) and 3, not {strength:g}.", strength=strength)
    if strength == 0 or len(frames) == 0:
        return frames.copy(), masks
    drawn = draw(rng, strength)
    return apply(frames, drawn, rng), None if masks is None else _moved(masks, drawn)


def draw(rng: np.random.Generator, strength: float = 1.0) -> Augmentation:
    """Random parameters; `strength` scales how far everything may stray from the picture as it is."""

    def spread(width: float) -> float:
        return float(strength * rng.uniform(-width, width))

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability * min(1.0, strength))

    across = np.exp(strength * rng.uniform(-0.06, 0.42))
    stretch = np.exp(spread(0.06))
    wave_angle, wave_cycles = rng.uniform(0, np.pi), rng.uniform(8, 40)
    return Augmentation(
        tone=_tone(rng, strength),
        zoom=np.array([across * stretch, across / stretch]),
        angle=np.deg2rad(spread(9.0)),
        shift=np.array([spread(0.06), spread(0.06)]),
        wraps=chance(0.12),
        sway=strength * rng.uniform(0, 1, 3) * [np.deg2rad(1.0), 0.006, 0.006],
        sway_cycles=rng.uniform(0.2, 2.0, 3),
        sway_phase=rng.uniform(0, 2 * np.pi, 3),
        smear=float(rng.uniform(0, 0.22) * min(strength, 1.5)) if chance(0.5) else 0.0,
        native=float(rng.choice(NATIVE_SIZES)) / NATIVE_SIZES[-1] if chance(0.75) else 1.0,
        coil=_coil(rng, strength),
        haze=np.float32(0.05 * strength * rng.random()) * _smooth(rng, 4, 0.0, 1.0),
        noise=float(strength * rng.choice([0.012, 0.03, 0.06]) * rng.uniform(0.3, 1.2)),
        flicker=float(strength * rng.uniform(0, 0.03)),
        ghost=float(strength * rng.uniform(0.02, 0.1)) if chance(0.15) else 0.0,
        ghost_down=bool(rng.random() < 0.5),
        stripes=float(strength * rng.uniform(0.01, 0.06)) if chance(0.3) else 0.0,
        stripe_share=float(rng.uniform(0.05, 1.0)),
        stripe_wave=wave_cycles * np.array([np.cos(wave_angle), np.sin(wave_angle)]),
        sharpen=spread(0.8) if chance(0.6) else 0.0,
        upsampling=int(rng.choice(_UPSAMPLING)),
    )


def _tone(rng: np.random.Generator, strength: float) -> np.ndarray:
    """(256,) uint8 rising curve: a power, bent at random between five knots."""
    level = np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.5, 0.5) * strength)
    steps = np.exp(strength * rng.uniform(-0.5, 0.5, 5))
    bent = np.interp(level, np.linspace(0, 1, 6), np.r_[0, np.cumsum(steps) / steps.sum()])
    return np.round(255 * bent).astype(np.uint8)


def _smooth(rng: np.random.Generator, knots: int, low: float, high: float) -> np.ndarray:
    """(16, 16) float32 smooth random field between about `low` and `high`."""
    coarse = rng.uniform(low, high, (knots, knots)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (16, 16), interpolation=cv2.INTER_CUBIC), low, high)


def _coil(rng: np.random.Generator, strength: float) -> np.ndarray:
    """(16, 16) float32: a coil before the face, an even floor behind it, both uneven; 1 at its most sensitive."""
    y, x = np.mgrid[0:16, 0:16] / 15.0
    cx, cy = rng.uniform(0.1, 0.5), rng.uniform(0.35, 0.7)
    reach = rng.uniform(0.28, 0.9) / max(strength, 0.5)
    face = np.exp(-(((x - cx) / reach) ** 2) - (((y - cy) / (1.3 * reach)) ** 2))
    floor = 1 - min(0.95, 0.95 * strength) * rng.random() ** 0.7
    field = (floor + (1 - floor) * face) * np.exp(strength * _smooth(rng, 4, -0.35, 0.35))
    return (field / field.max()).astype(np.float32)


def apply(frames: np.ndarray, drawn: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """uint8 (T, H, W) as these parameters say; `rng` gives the noise of each frame."""
    height, width = frames.shape[1:]
    grid = _native_grid(height, width, drawn.native)
    scanned = [cv2.LUT(frame, drawn.tone) for frame in _smeared(frames, drawn.smear)]
    coil, haze = (cv2.resize(f, grid[::-1], interpolation=cv2.INTER_CUBIC) for f in (drawn.coil, drawn.haze))
    noise = drawn.noise * rng.standard_normal((2, grid[0] + _NOISE_MARGIN, grid[1] + _NOISE_MARGIN), np.float32)
    stripes = _stripes(grid, drawn)
    out = np.empty_like(frames)
    for t, frame in enumerate(scanned):
        if grid != (height, width):
            frame = cv2.resize(frame, grid[::-1], interpolation=cv2.INTER_AREA)
        frame = _placed(frame, drawn, grid, t)
        gain = 1 + drawn.flicker * rng.standard_normal()
        signal = cv2.multiply(frame, coil, scale=gain / 255, dtype=cv2.CV_32F) + haze
        if drawn.ghost:
            signal += drawn.ghost * np.roll(
                signal, grid[0] // 2 if drawn.ghost_down else grid[1] // 2, 1 - drawn.ghost_down
            )
        if drawn.stripes and rng.random() < drawn.stripe_share:
            signal += stripes
        picture = _shown(_received(signal, noise, rng), drawn.sharpen)
        if grid != (height, width):
            picture = cv2.resize(picture, (width, height), interpolation=drawn.upsampling)
        out[t] = picture
    return out


def _native_grid(height: int, width: int, native: float) -> tuple[int, int]:
    """Rows and columns of the scanner's own grid: never more than the picture has."""
    scale = min(1.0, native * NATIVE_SIZES[-1] / max(height, width))
    return max(8, round(height * scale)), max(8, round(width * scale))


def _smeared(frames: np.ndarray, smear: float) -> list[np.ndarray]:
    """Each frame mixed with its neighbours, as reconstruction from a sliding window does; in step with the sound."""
    if smear == 0 or len(frames) < 2:
        return list(frames)
    last = len(frames) - 1
    mixed = []
    for t, frame in enumerate(frames):
        around = cv2.addWeighted(frames[max(t - 1, 0)], 0.5, frames[min(t + 1, last)], 0.5, 0)
        mixed.append(cv2.addWeighted(frame, 1 - 2 * smear, around, 2 * smear, 0))
    return mixed


def _moved(masks: np.ndarray, drawn: Augmentation) -> np.ndarray:
    return np.stack([_placed(mask, drawn, mask.shape, t) for t, mask in enumerate(masks)])


def _placed(picture: np.ndarray, drawn: Augmentation, grid: tuple[int, int], t: int) -> np.ndarray:
    border = cv2.BORDER_WRAP if drawn.wraps else cv2.BORDER_REPLICATE
    return cv2.warpAffine(picture, _placement(drawn, grid, t), grid[::-1], flags=cv2.INTER_LINEAR, borderMode=border)


def _placement(drawn: Augmentation, grid: tuple[int, int], t: int) -> np.ndarray:
    """(2, 3) from the picture to the picture with the head moved, turned and magnified, on the native grid."""
    sway = drawn.sway * np.sin(2 * np.pi * drawn.sway_cycles * t / 100 + drawn.sway_phase)
    size = np.array([grid[1], grid[0]], float)
    cos, sin = np.cos(drawn.angle + sway[0]), np.sin(drawn.angle + sway[0])
    linear = np.array([[cos, -sin], [sin, cos]]) * drawn.zoom
    # A magnified picture keeps the vocal tract in view: it moves from its place towards the middle.
    pivot = _TRACT * size
    target = (_TRACT + (0.5 - _TRACT) * np.clip(drawn.zoom - 1, 0, 0.5) + drawn.shift + sway[1:]) * size
    return np.c_[linear, target - linear @ pivot]


def _stripes(grid: tuple[int, int], drawn: Augmentation) -> np.ndarray:
    """(rows, columns) float32 plane wave, as a spike in k-space leaves it."""
    y = np.arange(grid[0], dtype=np.float32)[:, None] / grid[0]
    x = np.arange(grid[1], dtype=np.float32)[None, :] / grid[1]
    return np.float32(drawn.stripes) * np.sin(
        np.float32(2 * np.pi) * (drawn.stripe_wave[0] * x + drawn.stripe_wave[1] * y)
    )


def _received(signal: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Magnitude of the signal with complex noise (Gudbjartsson and Patz 1995); a new cut of `noise` for every frame."""
    rows, columns = signal.shape
    cuts = rng.integers(0, _NOISE_MARGIN + 1, (2, 2))
    real, imaginary = (n[a : a + rows, b : b + columns] for n, (a, b) in zip(noise, cuts, strict=True))
    return cv2.magnitude(signal + real, np.ascontiguousarray(imaginary))


def _shown(picture: np.ndarray, sharpen: float) -> np.ndarray:
    """float32 -> uint8, sharpened (above 0) or blurred (below 0)."""
    if sharpen:
        soft = cv2.GaussianBlur(picture, (3, 3), 0.9)
        picture = cv2.addWeighted(picture, 1 + sharpen, soft, -sharpen, 0)
    return cv2.convertScaleAbs(np.maximum(picture, 0), alpha=255)
