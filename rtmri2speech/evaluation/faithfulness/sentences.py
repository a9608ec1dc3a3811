"""The results of the faithfulness tests as sentences, English and Japanese."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...render.figure_texts import region_name

if TYPE_CHECKING:
    from .report import DeletionTest, OutsideTract

SENTENCES = {
    "en": {
        "whole_picture": "over the whole picture",
        "inside_tract": "within the vocal tract alone",
        "of_whole_picture": "the picture",
        "of_inside_tract": "the tract",
        "faithful": "The map of {band} passes the deletion test {area}.",
        "weak": "The map of {band} passes the deletion test {area} only weakly: it is better than chance, but no more.",
        "unfaithful": "The map of {band} does not pass the deletion test {area}: hiding its most salient places is not "
        "reliably better than hiding as much at random.",
        "figures": "Hiding the most salient tenth of {of} changes the energy by {change} dB, {ratio} times the mean "
        "change by a random tenth, {random} dB (95 % interval {low} to {high}; {frames} frames). A tenth chosen by an "
        "edge detector changes it by {edges} dB, one at the centre by {centre} dB.",
        "edges": "An edge detector does as well.",
        "centre": "The centre does as well.",
        "balance": "The interval holds 1: the verdict hangs in the balance.",
        "listens": "The model listens outside the tract: ",
        "listens_not": "The model hardly listens outside the tract: ",
        "outside": "{effect_share:.0f} % of what can be changed in {band} is changed there (hiding everything outside "
        "changes it by {everything} dB, hiding the rest by {tract} dB). {attribution_share:.0f} % of the map's "
        "attribution lies there; hiding its most salient tenth changes {band} by {change} dB, {ratio} times a random "
        "tenth (95 % interval {low} to {high}).",
        "raising": "Hiding {regions} raises {band}: what the model sees there lowers the energy more than it raises "
        "it, and the colours show only what raises it.",
        "and": ", ",
        "note": "Deletion test over the whole picture: {bands}.",
        "note_tested": "{band} {verdict} ({ratio} times random, 95 % interval {low} to {high}; {frames} frames)",
        "note_untested": "{band} not tested",
        "verdict_faithful": "passes",
        "verdict_weak": "passes weakly",
        "verdict_unfaithful": "does not pass",
        "untested": "There are too few frames with attribution for {band} ({frames}) to test its map.",
        "alike": "Where the map is salient hardly depends on what was learned: with a randomised {part} the map's "
        "magnitude is nearly the same (rank correlation {likeness:.2f}).",
        "output layer": "output layer",
        "BiLSTM": "output layer and BiLSTM",
        "CNN": "model",
        "focused": "Training kept Grad-CAM maps of the last layer to the vocal tract (loss.focus {focus:g}): that "
        "those lie there is not a finding.",
        "focused_others": "Training kept Grad-CAM maps of the last layer to the vocal tract (loss.focus {focus:g}); it "
        "did not act on these maps.",
        "tract_only": "The model sees the vocal tract only: that its maps lie there is not a finding.",
        "unfocused": "No loss kept the maps to a place in training.",
        "focus_unknown": "Whether a loss kept the maps to a place in training is not known.",
    },
    "ja": {
        "whole_picture": "画像全体での",
        "inside_tract": "声道の中だけでの",
        "of_whole_picture": "画像",
        "of_inside_tract": "声道",
        "faithful": "{band}のマップは{area}削除テストに合格です。",
        "weak": "{band}のマップは{area}削除テストに弱い合格です（偶然よりはよいという程度です）。",
        "unfaithful": "{band}のマップは{area}削除テストに不合格です。帰属の大きい部分を隠しても、"
        "同じ広さを無作為に隠すより確実に効くとは言えません。",
        "figures": "{of}のうち帰属の最も大きい1割を隠すとエネルギーは{change} dB変わります。無作為な1割による変化の平均"
        "{random} dBの{ratio}倍です（95 %信頼区間{low}～{high}、{frames}フレーム）。エッジ検出で選んだ1割では"
        "{edges} dB、中央の1割では{centre} dB変わります。",
        "edges": "エッジ検出でも同程度に下がります。",
        "centre": "中央を隠しても同程度に下がります。",
        "balance": "信頼区間が1を含むため、この判定はどちらとも言い切れません。",
        "listens": "モデルは声道の外も聴いています：",
        "listens_not": "モデルは声道の外をほとんど聴いていません：",
        "outside": "{band}の変えられる分の{effect_share:.0f} %は声道の外で変わります（外をすべて隠すと{everything} dB、"
        "残りを隠すと{tract} dBの変化）。マップの帰属の{attribution_share:.0f} %が外にあり、その中で帰属の"
        "最も大きい1割を隠すと{band}は{change} dB変わります（無作為な1割の{ratio}倍、95 %信頼区間{low}～{high}）。",
        "raising": "{regions}を隠すと{band}は上がります。そこに見えるものはエネルギーを上げるより下げる方に効いており、"
        "色が示すのは上げるものだけです。",
        "and": "、",
        "note": "画像全体での削除テスト：{bands}。",
        "note_tested": "{band}は{verdict}（無作為な1割の{ratio}倍、95 %信頼区間{low}～{high}、{frames}フレーム）",
        "note_untested": "{band}は未検証",
        "verdict_faithful": "合格",
        "verdict_weak": "弱い合格",
        "verdict_unfaithful": "不合格",
        "untested": "{band}の帰属が見られるフレームが{frames}しかないため、マップを検証できません。",
        "alike": "帰属の場所は学習の結果にほとんど依存しません。{part}を無作為な重みにしても、マップの大きさは"
        "ほぼ同じです（順位相関{likeness:.2f}）。",
        "output layer": "出力層",
        "BiLSTM": "出力層とBiLSTM",
        "CNN": "モデル全体",
        "focused": "このモデルは、最終層のGrad-CAMマップが声道に集まるように学習されています（loss.focus {focus:g}）。"
        "そのマップの帰属が声道にあること自体は発見ではありません。",
        "focused_others": "このモデルは、最終層のGrad-CAMマップが声道に集まるように学習されています（loss.focus "
        "{focus:g}）。このマップにはその損失は働いていません。",
        "tract_only": "このモデルは声道だけを見ます。声道に帰属があること自体は発見ではありません。",
        "unfocused": "学習では、マップがどこに集まるかを指定していません。",
        "focus_unknown": "学習でマップの集まる場所を指定したかどうかは分かりません。",
    },
}


def deletion_sentences(band: str, area: str, test: "DeletionTest", frames: int, language: str) -> str:
    """The verdict of a deletion test in an area (report.AREAS), what was tested, how large, and what it lacks."""
    texts = SENTENCES[language]
    found = [texts[test.verdict].format(band=band, area=texts[area])]
    found.append(
        texts["figures"].format(
            of=texts[f"of_{area}"],
            change=signed(-test.drop_db),
            random=f"{test.random_size_db:.1f}",
            edges=signed(-test.edges_drop_db),
            centre=signed(-test.centre_drop_db),
            frames=frames,
            **_ratio(test),
        )
    )
    if test.verdict != "unfaithful":
        found += [texts[name] for name, drop_db in _rivals(test) if drop_db >= test.drop_db]
    if test.in_the_balance:
        found.append(texts["balance"])
    return _joined(found, language)


def _rivals(test: "DeletionTest") -> list[tuple[str, float]]:
    return [("edges", test.edges_drop_db), ("centre", test.centre_drop_db)]


def outside_sentences(band: str, outside: "OutsideTract", language: str) -> str:
    """What a band's energy takes from outside the tract."""
    texts = SENTENCES[language]
    return texts["listens" if outside.listens else "listens_not"] + texts["outside"].format(
        band=band,
        effect_share=100 * outside.share_of_effect,
        attribution_share=100 * outside.share_of_attribution,
        everything=f"{outside.everything_db:.1f}",
        tract=f"{outside.tract_db:.1f}",
        change=signed(-outside.effect_db),
        **_ratio(outside),
    )


def raising_sentence(band: str, change_db: Mapping[str, float], language: str) -> str | None:
    """A sentence on the regions whose occlusion raises the energy, by how many dB; None without any."""
    if not change_db:
        return None
    texts = SENTENCES[language]
    names = [f"{region_name(name, language)} ({signed(db)} dB)" for name, db in change_db.items()]
    return texts["raising"].format(band=band, regions=texts["and"].join(names))


def note_sentence(tests: "Mapping[str, tuple[DeletionTest | None, int]]", language: str) -> str:
    """The verdicts over the whole picture in one sentence, for a caption. tests: band -> the test, None where there is
    none, and its number of frames."""
    texts, notes = SENTENCES[language], []
    for band, (test, frames) in tests.items():
        if test is None:
            notes.append(texts["note_untested"].format(band=band))
        else:
            values = {"verdict": texts[f"verdict_{test.verdict}"], "frames": frames, **_ratio(test)}
            notes.append(texts["note_tested"].format(band=band, **values))
    return texts["note"].format(bands=("、" if language == "ja" else ", ").join(notes))


def _ratio(test: "DeletionTest | OutsideTract") -> dict[str, str]:
    low, high = test.interval
    return {"ratio": plain(test.ratio_to_random), "low": plain(low, 2), "high": plain(high, 2)}


def _joined(sentences: list[str], language: str) -> str:
    return ("" if language == "ja" else " ").join(sentences)


def plain(value: float, digits: int = 1) -> str:
    """A number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign; what rounds to zero is +0.0."""
    return f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", "−")
