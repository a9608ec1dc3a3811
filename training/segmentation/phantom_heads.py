"""Label maps of single moments of phantom heads: many speakers, every posture, no sound and no scanner.

VocalTractLab is one per process: call `maps_of_speaker` in worker processes only.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..phantom.head import MOVING_BOX_CM, Canvas, Outline, View, paint_moving, paint_static
from ..phantom.phrases import random_utterance
from ..phantom.speaker import LARGEST, SMALLEST, Speaker, make_speaker
from ..phantom.voice import STATE_SAMPLES, TRACT, Voice

SIZE = 320  # px of a map
FIELD_OF_VIEW_CM = 29.0  # of a head of scale 1; wider than a scanner's: training cuts its own view out of it
_SHARE_OF_SPEECH = 0.5  # of the postures; the others are mixed from VocalTractLab's shapes, beyond what speech does
_SHAPES = (
    *"a e i o u E: 2 y I E O U 9 Y @ 6".split(),
    *(
        f"{place}({vowel})"
        for place in (
            "ll-labial-closure", "ll-dental-fricative", "tt-dental-fricative", "tt-alveolar-closure",
            "tt-alveolar-lateral", "tt-postalveolar-closure", "tt-postalveolar-fricative", "tb-palatal-fricative",
            "tb-velar-closure", "tb-uvular-fricative",
        )
        for vowel in "aiu"
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Face:
    """What VocalTractLab's speakers have all alike: thickness of the lips and length of the uvula, 1 as theirs."""

    upper_lip: float
    lower_lip: float
    uvula: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Face":
        lips = rng.uniform(0.5, 1.1)
        return cls(lips * rng.uniform(0.85, 1.15), lips * rng.uniform(0.85, 1.15), rng.uniform(0.75, 1.3))

    def of(self, o: Outline) -> Outline:
        """The outline with this face: lips drawn to the teeth, the uvula longer or shorter."""
        upper, lower, uvula = o.upper.copy(), o.lower.copy(), o.uvula.copy()
        upper[18:, 0] = upper[17, 0] + self.upper_lip * (upper[18:, 0] - upper[17, 0])
        lower[16:, 0] = lower[15, 0] + self.lower_lip * (lower[16:, 0] - lower[15, 0])
        root = 0.5 * (uvula[0] + uvula[-1])
        uvula[1:-1] = root + self.uvula * (uvula[1:-1] - root)
        return replace(o, upper=upper, lower=lower, uvula=uvula)


def make_head(seed: int, index: int) -> tuple[Speaker, Face]:
    """Speaker `index`, of shapes that vary more widely than those of a corpus, and the face."""
    rng = np.random.default_rng([seed, index, 7])
    speaker = make_speaker(seed, index)
    aspect = np.exp(rng.uniform(-0.14, 0.14) / 2)
    scale_x, scale_y = np.clip([speaker.scale_x * aspect, speaker.scale_y / aspect], SMALLEST, LARGEST)
    return replace(
        speaker,
        scale_x=float(scale_x),
        scale_y=float(scale_y),
        nose=float(rng.uniform(-0.7, 0.7)),
        chin=float(rng.uniform(-0.6, 0.6)),
        neck=float(rng.uniform(-0.8, 1.0)),
        nape=float(rng.uniform(-1.2, 1.2)),
        fat=float(rng.uniform(0.1, 0.5)),
        spine=float(rng.uniform(-0.35, 0.3)),
        cranium=speaker.cranium * float(rng.uniform(0.93, 1.08)),
        tilt_deg=float(rng.normal(0, 4)),
        velum=float(rng.uniform(0.4, 0.9)),
        palate=float(rng.uniform(0.45, 1.0)),
        field_of_view_cm=FIELD_OF_VIEW_CM * float(np.sqrt(scale_x * scale_y)),
        shift_x_cm=0.0,
        shift_y_cm=0.9,
    ), Face.drawn(rng)


def maps_of_speaker(seed: int, index: int, count: int) -> np.ndarray:
    """uint8 (count, SIZE, SIZE): tissue classes (training.phantom.head.CLASSES) of postures drawn at random."""
    cv2.setNumThreads(1)
    speaker, face = make_head(seed, index)
    rng = np.random.default_rng([seed, index, 8])
    view = View.of(speaker, SIZE)
    static = np.zeros((SIZE, SIZE), np.uint8)
    paint_static(Canvas(static, view), speaker)
    rows, columns = view.box(MOVING_BOX_CM)
    maps = np.repeat(static[None], count, axis=0)
    with Voice(speaker) as voice:
        for label_map, state in zip(maps, postures(voice, rng, count), strict=True):
            glottis_open = float(rng.uniform() < 0.4) * rng.uniform()
            outline = face.of(Outline.of(voice.outline(state), speaker, glottis_open))
            paint_moving(Canvas(label_map[rows, columns], view, (columns.start, rows.start)), outline, speaker)
    return maps


def postures(voice: Voice, rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 19) tract states: moments of an utterance with its rests, and mixtures of shapes."""
    spoken = round(_SHARE_OF_SPEECH * count)
    utterance = random_utterance(rng, voice.speaker)
    motion = voice.move(utterance)
    end_s = (len(motion.tract) - 1) * STATE_SAMPLES / 44100
    moments = motion.at(np.sort(rng.uniform(0, end_s, spoken))).tract
    return np.concatenate([moments, [mixture(voice, rng) for _ in range(count - spoken)]])


def mixture(voice: Voice, rng: np.random.Generator) -> np.ndarray:
    """(19,) between two shapes, the jaw, lips, velum and larynx moved on their own."""
    import vocaltractlab_cython as vtl

    a, b = (np.array(vtl.get_shape(str(rng.choice(_SHAPES)), "tract"), float) for _ in range(2))
    weight = rng.beta(0.6, 0.6)
    state = (1 - weight) * a + weight * b
    low, high = (np.array([p[end] for p in vtl.get_param_info("tract")]) for end in ("min", "max"))
    state[TRACT["JA"]] += rng.normal(0, 1.0) - (rng.uniform(0, 5) if rng.random() < 0.2 else 0)
    state[TRACT["LD"]] += rng.normal(0, 0.2) + (rng.uniform(0, 2) if rng.random() < 0.2 else 0)
    state[TRACT["LP"]] += rng.normal(0, 0.25)
    state[TRACT["HY"]] += rng.normal(0, 0.3)
    state[TRACT["VO"]] = rng.uniform(-0.1, 1.0)
    state[TRACT["VS"]] = np.clip(state[TRACT["VS"]] + rng.normal(0, 0.3), 0, 1)
    for name in ("TCX", "TCY", "TTX", "TTY", "TBX", "TBY"):
        state[TRACT[name]] += rng.normal(0, 0.15)
    return np.clip(state, low, high)
