"""The verdicts as sentences, English and Japanese; their fields are those of report.BandFaithfulness."""

_TENTH = (
    "the most salient tenth of {area} takes {drop_db:.1f} dB away, a tenth at random changes it by "
    "{random_size_db:.1f} dB ({frames} frames)."
)
_TENTH_JA = (
    "{area}のうち帰属の最も大きい1割を隠すと{drop_db:.1f} dB下がり、無作為な1割を隠すと平均{random_size_db:.1f} dB"
    "変わります（{frames}フレーム）。"
)

SENTENCES = {
    "en": {
        "tract": "the vocal tract",
        "picture": "the picture",
        "faithful": "Hiding the most salient places changes {band} {times:.1f} times as much as hiding as much "
        "elsewhere: " + _TENTH + " The map passes the deletion test.",
        "weak": "Hiding the most salient places changes {band} only {times:.1f} times as much as hiding as much "
        "elsewhere: " + _TENTH + " The map passes the deletion test weakly.",
        "unfaithful": "Hiding the most salient places does not reliably lower {band} more than hiding as much "
        "elsewhere: the most salient tenth of {area} changes it by {change_db:+.1f} dB, a tenth at random by "
        "{random_size_db:.1f} dB up or down ({frames} frames). The map does not pass the deletion test.",
        "untested": "There are too few frames with attribution for {band} ({frames}) to test its map.",
        "alike": "Where the map is salient hardly depends on what was learned: with a randomised {part} the map's "
        "magnitude is nearly the same (rank correlation {likeness:.2f}).",
        "output layer": "output layer",
        "BiLSTM": "output layer and BiLSTM",
        "CNN": "model",
        "focused": "Training kept the maps to the vocal tract (loss.focus {focus:g}): "
        "that they lie there is not a finding.",
        "unfocused": "No loss kept the maps to a place in training.",
        "focus_unknown": "Whether a loss kept the maps to a place in training is not known.",
    },
    "ja": {
        "tract": "声道",
        "picture": "画像",
        "faithful": "帰属の大きい部分を隠すと、{band}は同じ広さの別の場所を隠したときの{times:.1f}倍変化します。"
        + _TENTH_JA
        + "このマップは削除テストに合格です。",
        "weak": "帰属の大きい部分を隠しても、{band}の変化は同じ広さの別の場所を"
        "隠したときの{times:.1f}倍にとどまります。" + _TENTH_JA + "このマップは弱い合格です。",
        "unfaithful": "帰属の大きい部分を隠しても、{band}は同じ広さの別の場所を"
        "隠したときより確実に下がるとは言えません。"
        "{area}のうち帰属の最も大きい1割を隠すと{change_db:+.1f} dB、"
        "無作為な1割を隠すと平均{random_size_db:.1f} dB変わります"
        "（{frames}フレーム）。このマップは不合格です。",
        "untested": "{band}の帰属が見られるフレームが{frames}しかないため、マップを検証できません。",
        "alike": "帰属の場所は学習の結果にほとんど依存しません。{part}を無作為な重みにしても、マップの大きさは"
        "ほぼ同じです（順位相関{likeness:.2f}）。",
        "output layer": "出力層",
        "BiLSTM": "出力層とBiLSTM",
        "CNN": "モデル全体",
        "focused": "このモデルは、マップが声道に集まるように学習されています（loss.focus {focus:g}）。"
        "声道に帰属があること自体は発見ではありません。",
        "unfocused": "学習では、マップがどこに集まるかを指定していません。",
        "focus_unknown": "学習でマップの集まる場所を指定したかどうかは分かりません。",
    },
}
