"""What the panel voice says."""

TEXTS = {
    "en": {
        "tab_voice": "Voice",
        "pitch_is_chosen": "Pictures do not show pitch: the pitch heard here is a choice, not a finding (tab Voice). "
        "The whisper is the same synthesis without it.",
        "whisper_or_voice": "Whisper / voice",
        "voice_intro": "How the model speaks this clip. Pictures do not show pitch: pitch and intonation are a choice, "
        "not a finding. What is made here takes the place of what the explorer shows; exports say how to make it "
        "again.",
        "voice_manner": "Voice",
        "voice_bundle": "The bundle's default",
        "voice_whisper": "Whisper",
        "voice_declining": "Falling in each phrase",
        "voice_flat": "On one pitch",
        "voice_original": "The original's intonation",
        "voice_hz": "Mean pitch, Hz (0: fits the tract)",
        "voice_semitones": "Semitones up or down",
        "voice_fit": "Fit to this recording",
        "voice_fit_info": "Domain adaptation, for a scanner that the model has never seen: the CNN's BatchNorm "
        "statistics are taken from these pictures, without sound. No weight is trained.",
        "voice_run": "Speak again",
        "voice_before": "Before",
        "voice_now": "Now",
        "voice_change": "Band energy, now − before",
        "voice_difference": "Mel spectrogram, now − before",
        "voice_told_whisper": "Now it whispers: the same synthesis without pitch.",
        "voice_told_voiced": "Now it speaks at {hz} Hz on average (from {low} to {high}); {share} % of the frames are "
        "voiced by its own estimate.",
        "voice_told_fitted": "It was fitted to {frames} frames: the means of {layers} layers moved by {shift} of their "
        "deviations, and those changed by a factor of {spread}.",
        "voice_told_plain": "It is as it was trained, not fitted.",
        "voice_told_tuned": "It is the model that was tuned in this session.",
        "voice_told_pauses": "Its speech lies {now} dB above its pauses (before: {before} dB).",
        "voice_scores": "Against the original speech (the better value in bold)",
        "voice_no_scores": "This clip has no original speech: only listening can say whether it is better.",
        "learn_intro": "**Learn from recordings.** The model is tuned to your own recordings with sound, in a minute "
        "or two: its CNN stays, the temporal model and the read-out learn. Give 2 to 20 clips, two minutes together; "
        "the last fifth (by name) is held out, and the tuned model is kept only if it is better there. It is kept for "
        "this session and seen by no other; the zip keeps it (`app.py --bundle FOLDER`).",
        "learn_files": "Clips with sound, or with a .wav of the same name",
        "learn_run": "Learn",
        "learn_archive": "The tuned bundle",
        "learn_use": "Use the tuned model",
        "learn_use_info": "For this clip, when it is spoken again.",
        "learn_nothing": "Give some clips with sound to learn from first.",
        "learn_other": "The tuned model was made from another bundle: open the clip with that bundle.",
        "learn_error": "Held-out error of the mel: {share} % of that at the start, after {step} steps",
        "learn_better": "Better: kept for this session.",
        "learn_worse": "Not better on what was held out: the model stays as it was.",
        "learn_data": "Learned from {count} clips ({seconds} s), judged on {held} held out ({held_s} s); the weights "
        "are those of step {step}.",
        "learn_held_out": "Held out",
        "learn_after": "After",
        "learn_shape": "Spectral shape, correlation",
        "learn_loudness": "Loudness, correlation",
        "learn_stoi": "STOI",
        "learn_estoi": "ESTOI",
        "learn_mae_F1_db": "F1 band, mean error (dB)",
        "learn_mae_F2_db": "F2 band, mean error (dB)",
    },
    "ja": {
        "tab_voice": "声",
        "pitch_is_chosen": "声の高さは画像には写りません。ここで聞こえる高さは推定ではなく選択です（タブ「声」）。"
        "ささやき声は、同じ合成を高さなしで音にしたものです。",
        "whisper_or_voice": "ささやき／声",
        "voice_intro": "この動画をモデルがどんな声で話すかを選びます。声の高さは画像には写らないので、"
        "高さと抑揚は推定ではなく選択です。ここで作った結果はエクスプローラーの表示と置き換わり、"
        "書き出しにも設定と再現方法が残ります。",
        "voice_manner": "声",
        "voice_bundle": "モデルの既定",
        "voice_whisper": "ささやき",
        "voice_declining": "句ごとに下がる抑揚",
        "voice_flat": "一定の高さ",
        "voice_original": "原音の抑揚",
        "voice_hz": "平均の高さ（Hz、0なら声道に合う高さ）",
        "voice_semitones": "半音単位の上げ下げ",
        "voice_fit": "この録画に合わせる",
        "voice_fit_info": "学習で見ていない装置の画像のためのドメイン適応です。CNNのBatchNormの統計量を、音声を使わずに"
        "この動画から取り直します。重みは学習しません。",
        "voice_run": "話し直す",
        "voice_before": "変更前",
        "voice_now": "変更後",
        "voice_change": "帯域エネルギーの差（変更後 − 変更前）",
        "voice_difference": "メルスペクトログラムの差（変更後 − 変更前）",
        "voice_told_whisper": "ささやき声です。同じ合成を、声の高さなしで音にしています。",
        "voice_told_voiced": "平均{hz} Hz（{low}〜{high}）の声です。モデル自身の推定では、"
        "フレームの{share} %が有声です。",
        "voice_told_fitted": "{frames}フレームに合わせました。{layers}層の平均が標準偏差の{shift}倍動き、"
        "標準偏差は{spread}倍になりました。",
        "voice_told_plain": "学習したままのモデルで、録画には合わせていません。",
        "voice_told_tuned": "このセッションで調整したモデルです。",
        "voice_told_pauses": "発話は無音区間より{now} dB大きくなっています（変更前：{before} dB）。",
        "voice_scores": "原音との比較（良いほうを太字で示します）",
        "voice_no_scores": "この動画には原音がないため、良くなったかどうかは聴いて判断してください。",
        "learn_intro": "**録画から学習。** 手元の音声付き録画に合わせて、モデルを1〜2分で調整します。CNNはそのままで、"
        "時間モデルと出力層が学習します。動画は2〜20本、合計2分までです。名前順で最後の2割は学習に使わず評価に回し、"
        "そこで良くなったときだけ調整後のモデルを残します。残るのはこのセッションの間だけで、ほかの利用者には見えません。"
        "zipを保存すれば後でも使えます（`app.py --bundle FOLDER`）。",
        "learn_files": "音声付きの動画、または同名の.wavを添えた動画",
        "learn_run": "学習する",
        "learn_archive": "調整したモデル",
        "learn_use": "調整したモデルを使う",
        "learn_use_info": "この動画を話し直すときに使います。",
        "learn_nothing": "先に、学習に使う音声付きの動画を選んでください。",
        "learn_other": "調整したモデルは、表示中とは別のモデルから作られています。そのモデルで動画を開いてください。",
        "learn_error": "評価用録画のメルの誤差：{step}ステップ後に、開始時の{share} %",
        "learn_better": "良くなりました。このセッションの間、使えます。",
        "learn_worse": "評価用の録画では良くなりませんでした。モデルは元のままです。",
        "learn_data": "{count}本（{seconds}秒）から学習し、別の{held}本（{held_s}秒）で評価しました。"
        "{step}ステップ目の重みです。",
        "learn_held_out": "評価用の録画",
        "learn_after": "調整後",
        "learn_shape": "スペクトル形状の相関",
        "learn_loudness": "音の大きさの相関",
        "learn_stoi": "STOI",
        "learn_estoi": "ESTOI",
        "learn_mae_F1_db": "F1帯域の平均誤差（dB）",
        "learn_mae_F2_db": "F2帯域の平均誤差（dB）",
    },
}
