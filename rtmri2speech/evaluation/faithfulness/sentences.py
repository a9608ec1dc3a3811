"""The verdicts as sentences, English and Japanese; their fields are those of report.BandFaithfulness."""

_TENTH = (
    "the hottest tenth of {area} takes {drop_db:.1f} dB away, a tenth at random changes it by {random_size_db:.1f} dB "
    "({frames} frames)."
)
_TENTH_JA = (
    "{area}のうち最も熱い1割を隠すと{drop_db:.1f} dB下がり、無作為な1割を隠すと平均{random_size_db:.1f} dB"
    "変わります（{frames}フレーム）。"
)

SENTENCES = {
    "en": {
        "tract": "the vocal tract",
        "picture": "the picture",
        "faithful": "Hiding what is hot changes {band} {times:.1f} times as much as hiding as much elsewhere: "
        + _TENTH
        + " The map can be believed.",
        "weak": "Hiding what is hot changes {band} only {times:.1f} times as much as hiding as much elsewhere: "
        + _TENTH
        + " The map is a hint, not evidence.",
        "unfaithful": "Hiding what is hot does not reliably lower {band} more than hiding as much elsewhere: the "
        "hottest tenth of {area} changes it by {change_db:+.1f} dB, a tenth at random by {random_size_db:.1f} dB up or "
        "down ({frames} frames). Do not believe this map.",
        "untested": "There are too few frames with heat for {band} ({frames}) to judge its map.",
        "alike": "Where it is hot hardly depends on what was learnt: with a random {part} the map's magnitude is "
        "nearly the same (rank correlation {likeness:.2f}).",
        "output layer": "output layer",
        "BiLSTM": "output layer and BiLSTM",
        "CNN": "model",
        "focused": "Training kept the maps to the vocal tract (loss.focus {focus:g}): "
        "that they lie there is no finding.",
        "unfocused": "Training did not tell the maps where to lie.",
        "focus_unknown": "Whether training told the maps where to lie is not known.",
    },
    "ja": {
        "tract": "声道",
        "picture": "画像",
        "faithful": "熱い部分を隠すと、{band}は同じ広さの別の場所を隠したときの{times:.1f}倍変化します。"
        + _TENTH_JA
        + "このマップは信頼できます。",
        "weak": "熱い部分を隠しても、{band}の変化は同じ広さの別の場所を隠したときの{times:.1f}倍にとどまります。"
        + _TENTH_JA
        + "このマップは手がかりであり、証拠にはなりません。",
        "unfaithful": "熱い部分を隠しても、{band}は同じ広さの別の場所を隠したときより確実に下がるとは言えません。"
        "{area}のうち最も熱い1割を隠すと{change_db:+.1f} dB、無作為な1割を隠すと平均{random_size_db:.1f} dB変わります"
        "（{frames}フレーム）。このマップは信頼できません。",
        "untested": "{band}の熱が見られるフレームが{frames}しかないため、マップを判定できません。",
        "alike": "どこが熱いかは学習の結果にほとんど依存しません。{part}を無作為な重みにしても、マップの大きさは"
        "ほぼ同じです（順位相関{likeness:.2f}）。",
        "output layer": "出力層",
        "BiLSTM": "出力層とBiLSTM",
        "CNN": "モデル全体",
        "focused": "このモデルは、マップが声道に集まるように学習されています（loss.focus {focus:g}）。"
        "声道が熱いこと自体は発見ではありません。",
        "unfocused": "学習では、マップがどこに集まるかを指定していません。",
        "focus_unknown": "学習でマップの集まる場所を指定したかどうかは分かりません。",
    },
}
