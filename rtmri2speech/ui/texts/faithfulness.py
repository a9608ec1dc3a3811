"""What the panel "Trust" says; its verdicts are in rtmri2speech.evaluation.faithfulness.sentences."""

from .explorer import TEXTS as EXPLORER

_WORDS = {
    "en": {
        "tab_trust": "Can I believe this map?",
        "trust_intro": "A map is put to the test on the clip itself: what it calls hot is hidden from the "
        "model, and the "
        "energy in the band must fall, by more than when as much is hidden elsewhere. It takes seconds; 24 "
        "frames of speech "
        "at most are tested.",
        "trust_run": "Judge the maps",
        "trust_reach": "How far in time it came from",
        "reach_title": "How far in time the energy came from",
        "reach_frame": "Frame {frame}: {near} % from the frame itself and its two neighbours, {before} % from "
        "before, "
        "{after} % from after.",
        "reach_silent": "Frame {frame} is silent: there is nothing to explain.",
        "reach_speech": "In speech ({frames} frames): {near} %, {before} %, {after} %.",
        "reach_method": "The model hears in both directions of time. Shares are those of gradient times input "
        "of every "
        "frame, exact for every pair. The same: rtmri2speech temporal CLIP.",
        "trust_left_out": "Not judged: {names}. Only maps of a band's energy can be, not those of its frequency, of a "
        "box, or of the spectrum's tilt.",
        "trust_faithful": "faithful",
        "trust_weak": "weak",
        "trust_unfaithful": "not faithful",
        "trust_untested": "not tested",
        "trust_certainty": "{times} times as much (95 % interval {low} to {high}), and in the right direction "
        "in {right} % "
        "of the frames (sign test, p = {p}). Tested: frames {frames}.",
        "trust_hidden": "Hidden",
        "trust_revealed": "Revealed in a blurred picture",
        "trust_hottest": "hottest first",
        "trust_random": "at random",
        "trust_coldest": "coldest first",
        "trust_share": "share of {area} (%)",
        "trust_tract": "the tract",
        "trust_picture": "the picture",
        "trust_change": "change of the energy (dB)",
        "trust_chart": "{band}, {what}: hottest first {hottest} dB, at random {random} dB, coldest first "
        "{coldest} dB, at "
        "{shares} % of the area.",
        "trust_regions": "Region by region: its share of the heat, and how much the energy changes when it is hidden "
        "(mean size of the change; in brackets the mean change)",
        "trust_region": "Region",
        "trust_area": "area",
        "trust_heat_of": "heat, {band}",
        "trust_size_of": "hidden, {band}",
        "trust_rank": "Rank correlation of heat and change over regions: {ranks}. 1: the hotter, the more it matters.",
        "trust_weights": "The same map with random weights (rank correlation of its magnitude; 1: nothing that "
        "was learnt "
        "shows in it)",
        "trust_part": "Random is the",
        "trust_part_output layer": "output layer",
        "trust_part_BiLSTM": "output layer and BiLSTM",
        "trust_part_CNN": "whole model",
        "trust_method": "Hidden is what is blurred beyond recognition. The sign counts: hiding what is hot must "
        "lower the "
        "energy. Frames next to each other are alike, which p does not know. The same: rtmri2speech faithfulness CLIP.",
    },
    "ja": {
        "tab_trust": "このマップは信頼できる？",
        "trust_intro": "表示中の動画でマップを検証します。マップが熱いとした部分をモデルから隠すと、"
        "その帯域のエネルギーは、"
        "同じ広さの別の場所を隠したときよりも大きく下がるはずです。数秒かかります"
        "（発話フレームのうち最大24枚で検証）。",
        "trust_run": "マップを検証する",
        "trust_reach": "どれだけ前後の画像から来たか",
        "reach_title": "エネルギーがどれだけ前後の画像から来たか",
        "reach_frame": "フレーム{frame}：そのフレームと前後1フレームから{near} %、それより前から{before} %、"
        "後から{after} %。",
        "reach_silent": "フレーム{frame}は無音なので、説明の対象がありません。",
        "reach_speech": "発話（{frames}フレーム）では{near} %、{before} %、{after} %。",
        "reach_method": "モデルは時間の両方向を見ます。割合は、"
        "すべてのフレームの組について正確に求めた勾配×入力によるものです。"
        "コマンドでは rtmri2speech temporal CLIP。",
        "trust_left_out": "判定しないもの：{names}。判定できるのは帯域エネルギーのマップだけで、"
        "周波数、枠、スペクトル傾斜のマップは判定できません。",
        "trust_faithful": "信頼できる",
        "trust_weak": "弱い",
        "trust_unfaithful": "信頼できない",
        "trust_untested": "判定できない",
        "trust_certainty": "{times}倍（95 %信頼区間{low}～{high}）、{right} %のフレームで正しい向き"
        "（符号検定、p = {p}）。検証したフレーム：{frames}。",
        "trust_hidden": "隠す",
        "trust_revealed": "ぼかした画像に戻す",
        "trust_hottest": "熱い順",
        "trust_random": "無作為",
        "trust_coldest": "冷たい順",
        "trust_share": "{area}に占める割合（%）",
        "trust_tract": "声道",
        "trust_picture": "画像",
        "trust_change": "エネルギーの変化（dB）",
        "trust_chart": "{band}、{what}：面積の{shares} %で、熱い順{hottest} dB、無作為{random} dB、"
        "冷たい順{coldest} dB。",
        "trust_regions": "領域ごとの熱の割合と、隠したときのエネルギーの変化（変化の大きさの平均。括弧内は変化の平均）",
        "trust_region": "領域",
        "trust_area": "面積",
        "trust_heat_of": "熱、{band}",
        "trust_size_of": "隠すと、{band}",
        "trust_rank": "熱と変化の順位相関（領域間）：{ranks}。1に近いほど、熱い領域ほど効いています。",
        "trust_weights": "重みを無作為にしたモデルのマップとの比較（大きさの順位相関。"
        "1なら学習の結果は現れていません）",
        "trust_part": "無作為にした部分",
        "trust_part_output layer": "出力層",
        "trust_part_BiLSTM": "出力層とBiLSTM",
        "trust_part_CNN": "モデル全体",
        "trust_method": "「隠す」とは、見分けがつかないほどぼかすことです。符号も問います"
        "（熱い部分を隠せばエネルギーは下がるはず）。"
        "隣り合うフレームは似ており、pはそれを考慮していません。コマンドでは rtmri2speech faithfulness CLIP。",
    },
}
TEXTS = {
    language: words | {f"trust_{key}": name for key, name in EXPLORER[language].items() if key.startswith("region_")}
    for language, words in _WORDS.items()
}
