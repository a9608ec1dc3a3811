"""Room impulse responses by pyroomacoustics' image sources: a mouth and a microphone in a room or in a bore."""

import numpy as np
from scipy.signal import fftconvolve


def draw_room(random: np.random.Generator, rate: int, rt60_s: tuple[float, float]) -> np.ndarray:
    """An impulse response (samples,) float32 that begins with the direct sound, of strength 1."""
    import pyroomacoustics

    # A scanner room; or, for a third, the bore itself: narrow and hard, with the mouth near its wall.
    bore = random.random() < 1 / 3
    size = random.uniform([1.6, 0.6, 0.6], [2.2, 0.75, 0.75]) if bore else random.uniform([4, 3, 2.4], [7, 6, 3.2])
    seconds = random.uniform(rt60_s[0], rt60_s[1]) * (0.4 if bore else 1.0)
    mouth = size * random.uniform(0.35, 0.65, 3)
    direction = random.standard_normal(3)
    distance = random.uniform(0.03, 0.2 if bore else 0.6)
    microphone = np.clip(mouth + distance * direction / np.linalg.norm(direction), 0.02, size - 0.02)
    try:
        absorption, order = pyroomacoustics.inverse_sabine(max(seconds, 0.03), size)
    except ValueError:  # a room of this size cannot fade so fast: nearly dead walls
        absorption, order = 0.95, 3
    room = pyroomacoustics.ShoeBox(
        size, fs=rate, materials=pyroomacoustics.Material(absorption), max_order=min(order, 14)
    )
    room.add_source(mouth)
    room.add_microphone(microphone)
    room.compute_rir()
    response = room.rir[0][0]
    direct = int(np.abs(response).argmax())
    response = response[direct : direct + round(seconds * rate) + 1]
    return (response / response[0]).astype(np.float32)


def reverberate(speech: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(samples,) in the room, as many samples, aligned with the dry sound."""
    return fftconvolve(speech, response)[: len(speech)].astype(np.float32)
