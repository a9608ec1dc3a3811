"""What the panel "Trust" says; its verdicts are in rtmri2speech.evaluation.faithfulness.sentences."""

from .explorer import TEXTS as EXPLORER

_WORDS = {
    "en": {
        "tab_trust": "Can I believe this map?",
        "trust_intro": "The deletion test, on the clip itself: the most salient tenth of the whole picture is hidden "
        "from the model. The band's energy must fall by more than when as much is hidden at random, by an edge "
        "detector, or at the centre. One test is not proof. It takes seconds; at most 24 frames of speech are tested.",
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
        "trust_tested_in": "Over the whole picture the drop is more than at random in {right} % of the frames. "
        "Tested: frames {frames}.",
        "trust_deletion": "Deletion (hidden)",
        "trust_insertion": "Insertion (revealed)",
        "trust_most_salient": "most salient first",
        "trust_random": "at random",
        "trust_least_salient": "least salient first",
        "trust_share": "share of the picture (%)",
        "trust_change": "change of the energy (dB)",
        "trust_chart": "{band}, {what}: most salient first {most_salient} dB, at random {random} dB, least salient "
        "first {least_salient} dB, at {shares} % of the picture.",
        "trust_regions": "Occlusion of each region: its share of the attention, and how the energy changes when it is "
        "hidden (mean change: minus, it falls; plus, it rises; in brackets the mean absolute change)",
        "trust_region": "Region",
        "trust_area": "area",
        "trust_heat_of": "attention, {band}",
        "trust_size_of": "hidden, {band}",
        "trust_rank": "Rank correlation of attention and drop over regions: {ranks}. 1: the more attention, the more "
        "the energy falls when it is hidden.",
        "trust_weights": "Model randomisation test: the same map with random weights (rank correlation of magnitudes; "
        "1: nothing that was learned shows in it)",
        "trust_part": "Random is the",
        "trust_part_output layer": "output layer",
        "trust_part_BiLSTM": "output layer and BiLSTM",
        "trust_part_CNN": "whole model",
        "trust_method": "Hidden places are heavily blurred, revealed places are sharp in a blurred picture. Passes: "
        "the 95 % interval of the ratio lies above 1, and neither edges nor the centre lower the energy as much. "
        "Weakly: better than chance only (ratio above 1, and the mean drop beyond random above 0 in its 95 % "
        "interval). Intervals: bootstrap over blocks of four neighbouring frames; likeness over more frames is not "
        "taken into account. Outside the tract is what is more than 8 of 256 pixels from it; hiding all of it may "
        "change less than hiding its most salient tenth, as parts that raise and parts that lower the energy cancel. "
        "The same: rtmri2speech faithfulness CLIP.",
    },
    "ja": {
        "tab_trust": "このマップは信頼できる？",
        "trust_intro": "表示中の動画で削除テストを行います。画像全体のうち帰属の最も大きい1割をモデルから隠すと、"
        "その帯域のエネルギーは、同じ広さを無作為に、エッジ検出で、あるいは中央で隠したときよりも大きく下がるはずです。"
        "1つのテストだけでは証明になりません。数秒かかります（発話フレームのうち最大24枚で検証）。",
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
        "trust_tested_in": "画像全体で無作為より大きく下がったのは{right} %のフレーム。検証したフレーム：{frames}。",
        "trust_deletion": "削除（隠す）",
        "trust_insertion": "挿入（戻す）",
        "trust_most_salient": "帰属の大きい順",
        "trust_random": "無作為",
        "trust_least_salient": "帰属の小さい順",
        "trust_share": "画像に占める割合（%）",
        "trust_change": "エネルギーの変化（dB）",
        "trust_chart": "{band}、{what}：画像の{shares} %で、帰属の大きい順{most_salient} dB、無作為{random} dB、"
        "帰属の小さい順{least_salient} dB。",
        "trust_regions": "領域ごとの遮蔽：注目の割合と、隠したときのエネルギーの変化（平均。負は下がる、"
        "正は上がる。括弧内は絶対値の平均）",
        "trust_region": "領域",
        "trust_area": "面積",
        "trust_heat_of": "注目、{band}",
        "trust_size_of": "隠すと、{band}",
        "trust_rank": "注目と低下の順位相関（領域間）：{ranks}。1に近いほど、注目の大きい領域ほど隠すと下がります。",
        "trust_weights": "モデルランダム化テスト：重みを無作為にしたモデルのマップとの比較（大きさの順位相関。"
        "1なら学習の結果は現れていません）",
        "trust_part": "無作為にした部分",
        "trust_part_output layer": "出力層",
        "trust_part_BiLSTM": "出力層とBiLSTM",
        "trust_part_CNN": "モデル全体",
        "trust_method": "「隠す」とは強くぼかすこと、「戻す」とはぼかした画像を元に戻すことです。合格は、比の95 %"
        "信頼区間が1より上にあり、エッジや中央を隠したときより大きく下がる場合です。弱い合格は、偶然よりはよいという場合です"
        "（比が1より大きく、無作為を超える低下の平均の95 %信頼区間が0より上）。信頼区間は、隣り合う4フレームを1つの"
        "ブロックとするブートストラップで求め、それより長い類似は考慮していません。声道の外とは、声道から256画素中8画素より"
        "離れた所です。外をすべて隠した変化は、その中で帰属の最も大きい1割だけを隠した変化より小さいことがあります"
        "（上げる部分と下げる部分が打ち消し合うため）。コマンドでは rtmri2speech faithfulness CLIP。",
    },
}
TEXTS = {
    language: words | {f"trust_{key}": name for key, name in EXPLORER[language].items() if key.startswith("region_")}
    for language, words in _WORDS.items()
}
