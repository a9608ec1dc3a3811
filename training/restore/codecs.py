"""Lossy coding and decoding by FFmpeg (PyAV), aligned with the original."""

import io
from dataclasses import dataclass

import numpy as np

from rtmri2speech.speech.audio import fit, resample


@dataclass(frozen=True)
class Codec:
    """encoder and container: FFmpeg's names. rate: sampling rate it is fed, Hz. bits_per_s: choices; () for fixed."""

    encoder: str
    container: str
    rate: int
    bits_per_s: tuple[int, ...] = ()


CODECS = {
    "mp3": Codec("libmp3lame", "mp3", 16_000, (24_000, 32_000, 64_000)),
    "aac": Codec("aac", "adts", 16_000, (16_000, 24_000, 48_000)),
    "opus": Codec("libopus", "ogg", 16_000, (8_000, 12_000, 24_000)),
    "mu-law": Codec("pcm_mulaw", "wav", 8_000),
    "adpcm": Codec("adpcm_ima_wav", "wav", 16_000),
}
_LONGEST_DELAY_S = 0.15


def coded(samples: np.ndarray, rate: int, name: str, bits_per_s: int | None = None) -> np.ndarray:
    """(samples,) at rate through a codec of CODECS and back: as many samples, without the codec's delay."""
    codec = CODECS[name]
    narrow = np.clip(resample(samples, rate, codec.rate), -1, 1)
    decoded = _decoded(_encoded(narrow, codec, bits_per_s), codec.rate)
    back = resample(_aligned(decoded, narrow, codec.rate), codec.rate, rate)
    return fit(back, len(samples)).astype(np.float32)


def _encoded(samples: np.ndarray, codec: Codec, bits_per_s: int | None) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=codec.container) as container:
        stream = container.add_stream(codec.encoder, rate=codec.rate, layout="mono")
        if bits_per_s:
            stream.bit_rate = bits_per_s
        frame = av.AudioFrame.from_ndarray(np.rint(samples[None] * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate = codec.rate
        # FFmpeg's encoders each want frames of their own size and sample format.
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", codec.rate, context.frame_size or 1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return file.getvalue()


def _decoded(data: bytes, rate: int) -> np.ndarray:
    import av

    with av.open(io.BytesIO(data)) as container:
        resampler = av.AudioResampler("flt", "mono", rate)
        parts = [p.to_ndarray()[0] for frame in container.decode(audio=0) for p in resampler.resample(frame)]
        parts += [p.to_ndarray()[0] for p in resampler.resample(None)]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _aligned(decoded: np.ndarray, original: np.ndarray, rate: int) -> np.ndarray:
    """Shifted to where it correlates best with the original; some containers do not tell the encoder's delay."""
    longest = min(round(_LONGEST_DELAY_S * rate), len(original) - 1)
    size = 1 << (len(original) + len(decoded)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(decoded, size) * np.conj(np.fft.rfft(original, size)))
    lags = np.r_[0 : longest + 1, -longest:0]
    lag = int(lags[correlation[lags].argmax()])
    return decoded[lag:] if lag >= 0 else np.pad(decoded, (-lag, 0))
