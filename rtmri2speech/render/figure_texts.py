"""Texts of videos and figures, in English and Japanese."""

from collections.abc import Mapping

from ..errors import InputError
from ..spec import Band

WORDS = {
    "en": {
        "frame": "frame {frame}   {seconds:.3f} s",
        "slower": "   {slow:g}x slower",
        "average": "average of frames {first} to {last}   {from_s:.3f} to {to_s:.3f} s",
        "average_speech": "average of the {count} speech frames of {first} to {last}\n{from_s:.3f} to {to_s:.3f} s",
        "band": "{name} band ({low:g}-{high:g} Hz)",
        "loudness": "{name} (whole spectrum)",
        "tilt": "{name} (slope of the spectrum)",
        "follows": "{name} (formant {number} ± {width:g} Hz, {track})",
        "truth": "true",
        "time": "Time (s)",
        "frequency": "Frequency (Hz)",
        "level": "dB re peak",
        "energy": "Energy (dB)",
        "synthesised": "Synthesised",
        "reach_seen": "Seen at (s)",
        "reach_sounds": "Sounds at (s); silence is left white",
        "reach_share": "Share (%)",
        "reach_lag": "Seen before (−) or after (+) it sounds (ms)",
        "reach_mean": "Mean share in speech (%)",
        "original": "Original",
    },
    "ja": {
        "frame": "フレーム {frame}   {seconds:.3f} 秒",
        "slower": "   {slow:g}倍スロー",
        "average": "フレーム {first}〜{last} の平均   {from_s:.3f}〜{to_s:.3f} 秒",
        "average_speech": "フレーム {first}〜{last} の発話{count}フレームの平均\n{from_s:.3f}〜{to_s:.3f} 秒",
        "band": "{name}帯域（{low:g}-{high:g} Hz）",
        "loudness": "{name}（全帯域のラウドネス）",
        "tilt": "{name}（スペクトル傾斜）",
        "follows": "{name}（第{number}フォルマント±{width:g} Hz、{track}）",
        "truth": "正解",
        "time": "時間（秒）",
        "frequency": "周波数（Hz）",
        "level": "最大値からのdB",
        "energy": "エネルギー（dB）",
        "synthesised": "合成音声",
        "reach_seen": "画像の時刻（秒）",
        "reach_sounds": "音の時刻（秒、無音は白）",
        "reach_share": "割合（%）",
        "reach_lag": "音より前（−）・後（+）の画像（ms）",
        "reach_mean": "発話での平均の割合（%）",
        "original": "原音声",
    },
}
# Regions, groups of regions, and elsewhere.
REGIONS = {
    "en": {
        "lips": "lips",
        "tongue": "tongue",
        "tongue_front": "front of the tongue",
        "tongue_back": "back of the tongue",
        "other_air": "nasal cavity and other air",
        "velum": "velum",
        "larynx": "larynx",
        "jaw": "jaw",
        "hard_palate": "hard palate",
        "pharynx_wall": "pharynx wall",
        "brain": "brain",
        "spine": "spine",
        "elsewhere": "elsewhere",
        "upper_lip": "upper lip",
        "lower_lip": "lower lip",
        "airway": "airway",
        "tract": "vocal tract",
        "rest": "the rest",
    },
    "ja": {
        "lips": "唇",
        "tongue": "舌",
        "tongue_front": "舌の前部",
        "tongue_back": "舌の後部",
        "other_air": "鼻腔などの空気",
        "velum": "軟口蓋",
        "larynx": "喉頭",
        "jaw": "下顎",
        "hard_palate": "硬口蓋",
        "pharynx_wall": "咽頭後壁",
        "brain": "脳",
        "spine": "脊椎",
        "elsewhere": "領域外",
        "upper_lip": "上唇",
        "lower_lip": "下唇",
        "airway": "気道",
        "tract": "声道",
        "rest": "その他",
    },
}


def words(language: str) -> Mapping[str, str]:
    """The texts in "en" or "ja". Raises InputError for another language."""
    if language not in WORDS:
        raise InputError(
            "Videos and figures are in {languages}, not {language!r}.", languages=" or ".join(WORDS), language=language
        )
    return WORDS[language]


def band_label(band: Band, language: str) -> str:
    """Band.label in the language: "F1 band (300-900 Hz)"."""
    said = words(language)
    if band.track is not None:
        track = said[band.track].lower()
        return said["follows"].format(name=band.name, number=band.formant, width=band.width_hz, track=track)
    return said[band.of or "band"].format(name=band.name, low=band.low_hz, high=band.high_hz)


def region_name(name: str, language: str) -> str:
    """A region's name in the language; one from a file of polygons keeps its own."""
    return REGIONS[language].get(name, name)


def caption(frame: int, fps: float, slow: float = 1, language: str = "en") -> str:
    """Frame and time in the clip, "frame 12   0.442 s", and the slow-motion factor."""
    said = words(language)
    text = said["frame"].format(frame=frame, seconds=frame / fps)
    return text + (said["slower"].format(slow=slow) if slow != 1 else "")
