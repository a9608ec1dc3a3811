"""What the panel "Trust" says; its verdicts are in rtmri2speech.evaluation.faithfulness.sentences."""

from .explorer import TEXTS as EXPLORER

_WORDS = {
    "en": {
        "tab_trust": "Can I believe this map?",
        "trust_intro": "The deletion test, on the clip itself: the most salient places of a map are hidden from the "
        "model, and the band's energy must fall by more than when as much is hidden elsewhere. One test is not proof. "
        "It takes seconds; at most 24 frames of speech are tested.",
        "trust_run": "Test the maps",
        "trust_reach": "Temporal attribution",
        "reach_title": "Temporal attribution: from which frames the energy came",
        "reach_frame": "Frame {frame}: {near} % from the frame itself and its two neighbours, {before} % from before, "
        "{after} % from after.",
        "reach_silent": "Frame {frame} is silent: there is nothing to explain.",
        "reach_speech": "In speech ({frames} frames): {near} %, {before} %, {after} %.",
        "reach_method": "The model reads the frames in both directions of time. Shares are of gradient × input, exact "
        "for every pair of frames. The same: rtmri2speech temporal CLIP.",
        "trust_left_out": "Not tested: {names}. The deletion test is for maps of a band's energy, not of its "
        "frequency, of a box, or of the spectrum's tilt.",
        "trust_faithful": "passes the deletion test",
        "trust_weak": "passes it weakly",
        "trust_unfaithful": "does not pass",
        "trust_untested": "not tested",
        "trust_certainty": "{times} times as much as at random (95 % interval {low} to {high}), and in the right "
        "direction in {right} % of the frames (sign test, p = {p}). Tested: frames {frames}.",
        "trust_hidden": "Deletion (hidden)",
        "trust_revealed": "Insertion (revealed)",
        "trust_hottest": "most salient first",
        "trust_random": "at random",
        "trust_coldest": "least salient first",
        "trust_share": "share of {area} (%)",
        "trust_tract": "the tract",
        "trust_picture": "the picture",
        "trust_change": "change of the energy (dB)",
        "trust_chart": "{band}, {what}: most salient first {hottest} dB, at random {random} dB, least salient first "
        "{coldest} dB, at {shares} % of the area.",
        "trust_regions": "Occlusion of each region: its share of the attention, and how much the energy changes when "
        "it is hidden (mean absolute change; in brackets the mean change)",
        "trust_region": "Region",
        "trust_area": "area",
        "trust_heat_of": "attention, {band}",
        "trust_size_of": "hidden, {band}",
        "trust_rank": "Rank correlation of attention and change over regions: {ranks}. 1: the more attention, the more "
        "it matters.",
        "trust_weights": "Model randomisation test: the same map with random weights (rank correlation of magnitudes; "
        "1: nothing that was learned shows in it)",
        "trust_part": "Random is the",
        "trust_part_output layer": "output layer",
        "trust_part_BiLSTM": "output layer and BiLSTM",
        "trust_part_CNN": "whole model",
        "trust_method": "Hidden places are heavily blurred, revealed places are sharp in a blurred picture. The "
        "sign counts: hiding the most salient places must lower the energy. Two neighbouring frames count as one in "
        "test "
        "and interval; likeness over more frames is not taken into account. The same: rtmri2speech faithfulness CLIP.",
    },
    "ja": {
        "tab_trust": "このマップは信頼できる？",
        "trust_intro": "表示中の動画で削除テストを行います。帰属の大きい部分をモデルから隠すと、"
        "その帯域のエネルギーは、"
        "同じ広さの別の場所を隠したときよりも大きく下がるはずです。1つのテストだけでは証明になりません。"
        "数秒かかります（発話フレームのうち最大24枚で検証）。",
        "trust_run": "マップを検証する",
        "trust_reach": "時間的帰属",
        "reach_title": "時間的帰属：エネルギーがどの時刻の画像に由来するか",
        "reach_frame": "フレーム{frame}：そのフレームと前後1フレームから{near} %、それより前から{before} %、"
        "後から{after} %。",
        "reach_silent": "フレーム{frame}は無音なので、説明の対象がありません。",
        "reach_speech": "発話（{frames}フレーム）では{near} %、{before} %、{after} %。",
        "reach_method": "モデルは時間の両方向を見ます。割合は勾配×入力によるもので、"
        "全フレームの組について正確な値です。コマンドでは rtmri2speech temporal CLIP。",
        "trust_left_out": "検証しないもの：{names}。削除テストの対象は帯域エネルギーのマップだけで、"
        "周波数、枠、スペクトル傾斜のマップは判定できません。",
        "trust_faithful": "削除テストに合格",
        "trust_weak": "弱い合格",
        "trust_unfaithful": "不合格",
        "trust_untested": "判定できない",
        "trust_certainty": "無作為の{times}倍（95 %信頼区間{low}～{high}）、{right} %のフレームで正しい向き"
        "（符号検定、p = {p}）。検証したフレーム：{frames}。",
        "trust_hidden": "削除（隠す）",
        "trust_revealed": "挿入（戻す）",
        "trust_hottest": "帰属の大きい順",
        "trust_random": "無作為",
        "trust_coldest": "帰属の小さい順",
        "trust_share": "{area}に占める割合（%）",
        "trust_tract": "声道",
        "trust_picture": "画像",
        "trust_change": "エネルギーの変化（dB）",
        "trust_chart": "{band}、{what}：面積の{shares} %で、帰属の大きい順{hottest} dB、無作為{random} dB、"
        "帰属の小さい順{coldest} dB。",
        "trust_regions": "領域ごとの遮蔽：注目の割合と、隠したときのエネルギーの変化（絶対値の平均。"
        "括弧内は変化の平均）",
        "trust_region": "領域",
        "trust_area": "面積",
        "trust_heat_of": "注目、{band}",
        "trust_size_of": "隠すと、{band}",
        "trust_rank": "注目と変化の順位相関（領域間）：{ranks}。1に近いほど、注目の大きい領域ほど効いています。",
        "trust_weights": "モデルランダム化テスト：重みを無作為にしたモデルのマップとの比較（大きさの順位相関。"
        "1なら学習の結果は現れていません）",
        "trust_part": "無作為にした部分",
        "trust_part_output layer": "出力層",
        "trust_part_BiLSTM": "出力層とBiLSTM",
        "trust_part_CNN": "モデル全体",
        "trust_method": "「隠す」とは強くぼかすこと、「戻す」とはぼかした画像を元に戻すことです。符号も問います"
        "（帰属の大きい部分を隠せばエネルギーは下がるはず）。"
        "似ている隣り合う2フレームは1つと数えますが、より長い類似は考慮していません。コマンドでは rtmri2speech "
        "faithfulness CLIP。",
    },
}
TEXTS = {
    language: words | {f"trust_{key}": name for key, name in EXPLORER[language].items() if key.startswith("region_")}
    for language, words in _WORDS.items()
}
