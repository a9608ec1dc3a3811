"""What the panel compare says."""

TEXTS = {
    "en": {
        "compare_intro": "Let another model speak the clip that the explorer shows, and listen to both at the same "
        "position. A model comes as a bundle: one folder with all that it takes (acoustic model, vocoder, settings).",
        "compare_other": "Compare with",
        "compare_run": "Compare",
        "compare_original": "Original",
        "compare_change": "Band energy, {other} − {first}",
        "compare_difference": "Mel spectrogram, {other} − {first}",
        "compare_same_bundle": "{first} and {other} hold the same weights: there is no difference.",
        "compare_same_acoustic": "Both have the same acoustic model: what differs is the vocoder.",
        "compare_same_vocoder": "Both have the same vocoder: what differs is the acoustic model.",
        "compare_both_differ": "Acoustic model and vocoder both differ.",
        "compare_mcd": "Spectral difference of the two sounds (MCD): {mcd} dB.",
        "compare_mean": "Band energy, {other} − {first}, mean over {frames} frames with speech:",
        "compare_scores": "Against the original speech (the better value in bold)",
        "compare_no_original": "This clip has no original speech, so the two can be heard but not scored.",
    },
    "ja": {
        "compare_intro": "エクスプローラーに表示中の動画を別のモデルでも合成し、同じ位置で聴き比べます。モデルは"
        "「バンドル」、つまり実行に必要なもの（音響モデル、ボコーダー、設定）をまとめた1つのフォルダーとして扱います。",
        "compare_other": "比較するモデル",
        "compare_run": "比較する",
        "compare_original": "原音",
        "compare_change": "帯域エネルギーの差（{other} − {first}）",
        "compare_difference": "メルスペクトログラムの差（{other} − {first}）",
        "compare_same_bundle": "{first}と{other}の重みは同一です。違いはありません。",
        "compare_same_acoustic": "音響モデルは同じで、ボコーダーだけが異なります。",
        "compare_same_vocoder": "ボコーダーは同じで、音響モデルだけが異なります。",
        "compare_both_differ": "音響モデルもボコーダーも異なります。",
        "compare_mcd": "2つの音声のスペクトルの違い（MCD）：{mcd} dB。",
        "compare_mean": "帯域エネルギーの差（{other} − {first}）、発話のある{frames}フレームの平均：",
        "compare_scores": "原音との比較（良いほうを太字で示します）",
        "compare_no_original": "この動画には原音がないため、聴き比べはできますが評価はできません。",
    },
}
