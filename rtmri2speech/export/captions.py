"""Captions of exported figures, as for a paper, in English or Japanese."""

from collections.abc import Sequence

import numpy as np

from .. import __version__
from ..analysis.region_attribution import RegionAttribution
from ..attribution.methods import method_of
from ..render.figure_texts import band_label, caption, region_name, words
from ..spec import Band
from .selection import Selection

FIGURES = ("frame", "average", "spectrogram")
_WORDS = {
    "en": {
        "frame": "{clip}, {moment}.",
        "maps": "Colour: {method} of {asked}, positive part, {cells} x {cells} cells enlarged to the picture; {scale}.",
        "maps_signed": "Colour: {method} of {asked}, both signs: warm raises it, cold lowers it, {cells} x {cells} "
        "cells enlarged to the picture; {scale}.",
        "view_tract": "The model sees the window of the vocal tract only, to which these cells belong; outside it the "
        "map is 0.",
        "energy_db": "the log energy (dB) in {bands}",
        "energy_power": "the energy (power) in {bands}",
        "energy_hz": "the centre of gravity (Hz) of {bands}",
        "loudness": "the level of the whole spectrum (dB)",
        "tilt": "the slope of the spectrum (dB per octave)",
        "scale_clip": "1 is the 99th percentile of the clip's speech frames",
        "scale_frame": "each frame is scaled by its own minimum and maximum",
        "scale_clip_signed": "+1 and −1 are the 99th percentile of the magnitude in the clip's speech frames",
        "scale_frame_signed": "each frame is scaled by its own largest magnitude",
        "average_scale": "the scale's numbers are means",
        "silent": "This frame is a pause: there is nothing to explain.",
        "band": "{band}: {energy:.1f} dB; most attention on {most}.",
        "nothing": "{band}: {energy:.1f} dB; hardly any attribution.",
        "no_formant": "{band}: its formant was not measured in this frame; there is no map.",
        "tracked": "{band}: mean over the {count} frames in which its formant was measured.",
        "most": "{region} {share:.0%}",
        "regions_segmenter": "Regions: found in every frame by a network trained on phantoms.",
        "regions_truth": "Regions: the phantom's ground truth.",
        "regions_template": "Regions: a fixed template, which does not follow the speaker.",
        "corrected": "Regions were corrected by hand.",
        "spectrogram": "{clip}, {from_s:.3f} to {to_s:.3f} s. Mel spectrograms, 60 dB below each one's peak; lines: "
        "limits of {bands}; below: energy of the predicted mel in each.",
        "made": "Model {bundle} ({kind}, sha256 of its weights {sha}); {fps:.4f} frames/s; rtmri2speech {version}.",
        "blur": " against a blurred copy of the frame",
        "verdicts": "deletion test: ",
        "verdict_faithful": "passes",
        "verdict_weak": "weakly",
        "verdict_unfaithful": "does not pass",
        "verdict_untested": "not tested",
        "and": " and ",
    },
    "ja": {
        "frame": "{clip}、{moment}。",
        "maps": "色：{asked}に対する{method}の正の部分（{cells}×{cells}セルを画像の大きさに拡大）。{scale}。",
        "maps_signed": "色：{asked}に対する{method}（暖色は値を上げるもの、寒色は下げるもの。{cells}×{cells}セルを"
        "画像の大きさに拡大）。{scale}。",
        "view_tract": "モデルに見えるのは声道の部分だけで、セルはその中のものです。外側のマップは0です。",
        "energy_db": "{bands}の対数エネルギー（dB）",
        "energy_power": "{bands}のエネルギー（パワー）",
        "energy_hz": "{bands}の重心周波数（Hz）",
        "loudness": "全帯域のレベル（dB）",
        "tilt": "スペクトル傾斜（dB/オクターブ）",
        "scale_clip": "1は動画の発話フレームの99パーセンタイル",
        "scale_frame": "フレームごとの最小値と最大値で正規化",
        "scale_clip_signed": "±1は動画の発話フレームの絶対値の99パーセンタイル",
        "scale_frame_signed": "フレームごとの絶対値の最大値で正規化",
        "average_scale": "目盛りの数値は平均値",
        "silent": "このフレームは休止であり、説明すべきものはない。",
        "band": "{band}：{energy:.1f} dB、最も注目した領域は{most}。",
        "nothing": "{band}：{energy:.1f} dB、根拠はほとんどない。",
        "no_formant": "{band}：このフレームではフォルマントが測定されず、マップはない。",
        "tracked": "{band}：フォルマントが測定された{count}フレームの平均。",
        "most": "{region} {share:.0%}",
        "regions_segmenter": "領域：ファントムで学習したネットワークが各フレームから求めたもの。",
        "regions_truth": "領域：ファントムの正解。",
        "regions_template": "領域：話者に追従しない固定テンプレート。",
        "corrected": "領域は手作業で修正されている。",
        "spectrogram": "{clip}、{from_s:.3f}〜{to_s:.3f}秒。メルスペクトログラム（それぞれの最大値から60 dBまで）。"
        "線は{bands}の境界、下段は予測メルの各帯域のエネルギー。",
        "made": "モデル{bundle}（{kind}、重みのsha256 {sha}）、{fps:.4f}フレーム/秒、rtmri2speech {version}。",
        "blur": "（ぼかしたフレームをベースラインとする）",
        "verdicts": "削除テスト：",
        "verdict_faithful": "合格",
        "verdict_weak": "弱い合格",
        "verdict_unfaithful": "不合格",
        "verdict_untested": "未検証",
        "and": "と",
    },
}


def figure_captions(selection: Selection, kinds: Sequence[str], frame: int) -> str:
    """A paragraph for each of these figures (FIGURES); frame: that of the figure "frame"."""
    return "\n\n".join(_paragraph(selection, kind, frame) for kind in FIGURES if kind in kinds) + "\n"


def _paragraph(selection: Selection, kind: str, frame: int) -> str:
    subject, language = selection.subject, selection.look.language
    said, analysis = _WORDS[language], subject.analysis
    labels = said["and"].join(band_label(band, language) for band in selection.bands)
    from_s, to_s = selection.times_s
    if kind == "spectrogram":
        labels = said["and"].join(band_label(band, language) for band in selection.bands if band.of != "tilt")
        sentences = [said["spectrogram"].format(clip=subject.name, from_s=from_s, to_s=to_s, bands=labels)]
    else:
        moment = caption(frame, analysis.fps, language=language) if kind == "frame" else average_title(selection)
        sentences = [
            said["frame"].format(clip=subject.name, moment=" ".join(moment.split())),
            *_of_maps(selection, kind),
            *verdict_notes(selection),
            *(_of_frame(selection, subject.account, frame) if kind == "frame" else _of_average(selection)),
            said[f"regions_{subject.regions.source}"],
            *([said["corrected"]] if subject.regions.corrections else []),
        ]
    bundle = subject.bundle
    sha = bundle.sha256.get("acoustic.safetensors", "")[:12] or "-"
    sentences.append(
        said["made"].format(bundle=bundle.name, kind=bundle.kind, sha=sha, fps=analysis.fps, version=__version__)
    )
    return ("" if language == "ja" else " ").join(sentences)


def _of_maps(selection: Selection, kind: str) -> list[str]:
    """The meaning of a figure's colours: a sentence for one-sided bands, and one for two-sided bands."""
    said, analysis, sentences = _WORDS[selection.look.language], selection.subject.analysis, []
    method = _method(selection)
    for signed, ending in ((False, ""), (True, "_signed")):
        bands = [band for band, two in zip(selection.bands, selection.signed, strict=True) if two == signed]
        scale = said[f"scale_{analysis.settings.normalize}{ending}"]
        if kind == "average":
            scale = f"{scale}; {said['average_scale']}"
        if bands:
            values = {
                "asked": _asked(selection, bands),
                "method": method,
                "cells": analysis.settings.resolution,
                "scale": scale,
            }
            sentences.append(said[f"maps{ending}"].format(**values))
    return [*sentences, said["view_tract"]] if analysis.view.name == "tract" else sentences


def verdict_notes(selection: Selection) -> list[str]:
    """The verdicts on the maps, where they were asked for."""
    report = selection.subject.trust
    return [] if report is None else [report.note([band.name for band in selection.bands], selection.look.language)]


def figure_note(selection: Selection) -> str:
    """The line under a figure's title: the method of its maps and, where asked for, the verdicts on them."""
    report, language = selection.subject.trust, selection.look.language
    cells = selection.subject.analysis.settings.resolution
    note = f"{_method(selection)}, {cells} x {cells}"
    if report is None:
        return note
    verdicts = {band.name: report.bands[band.name].verdict for band in selection.bands if band.name in report.bands}
    shown = [f"{name} {_WORDS[language][f'verdict_{verdict}']}" for name, verdict in verdicts.items()]
    return "\n".join([note, _WORDS[language]["verdicts"] + ", ".join(shown)])


def _method(selection: Selection) -> str:
    """The attribution method's name, with its baseline where that is a blurred frame."""
    method, language = method_of(selection.subject.analysis.settings.method), selection.look.language
    return method.label[language] + (_WORDS[language]["blur"] if method.baseline == "blur" else "")


def _asked(selection: Selection, bands: Sequence[Band]) -> str:
    """The targets that the maps of these bands explain."""
    language = selection.look.language
    said, energy = _WORDS[language], selection.subject.analysis.energy
    boxes = [band for band in bands if band.stretch is not None]
    kinds = {energy: [b for b in bands if not b.whole and b not in boxes]}
    kinds["db"] = kinds.get("db", []) + boxes  # a box is in dB in any case
    asked = [
        said[f"energy_{kind}"].format(bands=said["and"].join(band_label(band, language) for band in some))
        for kind, some in kinds.items()
        if some
    ]
    return said["and"].join([*asked, *(said[band.of] for band in bands if band.of and band.whole)])


def average_title(selection: Selection) -> str:
    """Title that names the frames of an average."""
    first, last, count = selection.first, selection.last, len(averaged(selection))
    said = words(selection.look.language)["average" if count > last - first else "average_speech"]
    from_s, to_s = selection.times_s
    return said.format(count=count, first=first, last=last, from_s=from_s, to_s=to_s)


def averaged(selection: Selection) -> Sequence[int]:
    """Frames of an average: those with speech; all without any."""
    stretch = range(selection.first, selection.last + 1)
    explained = set(selection.subject.analysis.explained.tolist())
    return [frame for frame in stretch if frame in explained] or stretch


def _of_average(selection: Selection) -> list[str]:
    """For formant-tracking bands, the number of frames averaged."""
    analysis, said = selection.subject.analysis, _WORDS[selection.look.language]
    shown = np.asarray(averaged(selection))
    counts = {b.name: int(analysis.has_map(b.name)[shown].sum()) for b in selection.bands if b.formant}
    return [said["tracked"].format(band=name, count=count) for name, count in counts.items()]


def _of_frame(selection: Selection, account: RegionAttribution, frame: int) -> list[str]:
    """A sentence on each band's energy and most salient regions in a frame."""
    analysis, language = selection.subject.analysis, selection.look.language
    said = _WORDS[language]
    if analysis.silent[frame] and analysis.settings.silence == "hide":
        return [said["silent"]]
    sentences = []
    for band in selection.bands:
        attribution, energy = account.bands[band.name], float(analysis.band_db[band.name][frame])
        shares = sorted(((float(share[frame]), name) for name, share in attribution.shares.items()), reverse=True)
        if np.isnan(energy):
            sentences.append(said["no_formant"].format(band=band.name))
            continue
        if attribution.leading[frame] is None:
            sentences.append(said["nothing"].format(band=band.name, energy=energy))
            continue
        most = [said["most"].format(region=region_name(name, language), share=share) for share, name in shares[:2]]
        sentences.append(said["band"].format(band=band.name, energy=energy, most=said["and"].join(most)))
    return sentences
