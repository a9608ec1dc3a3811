"""What the panel hide says."""

TEXTS = {
    "en": {
        "hide_intro": "Hide a part of the picture, have the model speak again, and hear what it had taken from there. "
        "A hidden part is a picture the model has never seen: a change says that the model used the part, not how a "
        "person without it would sound.",
        "hide_run": "Hide and speak again",
        "hide_waiting": "Synthesise a clip first: its frame appears here.",
        "hide_canvas": "Drawing board. Arrow keys move the crosshair, Enter sets a corner, Backspace takes it back, "
        "N begins another shape.",
        "hide_draw_help": "The frame is the explorer's. Click: corners of your own shape; drag: a free outline. "
        "Keyboard: arrows, Enter, Backspace, N.",
        "hide_regions": "Regions, as they move",
        "hide_own": "Own shape",
        "hide_corners": "{shapes} drawn, {corners} corners",
        "hide_undo": "Undo corner",
        "hide_next": "Next shape",
        "hide_clear": "Clear",
        "hide_manner": "How",
        "hide_dark": "Darken (black looks like air to the model)",
        "hide_still": "Stop its movement (its average over the clip instead)",
        "hide_strength": "Strength",
        "hide_where": "When",
        "hide_clip": "Whole clip",
        "hide_stretch": "Stretch chosen in the explorer:",
        "hide_no_stretch": "none",
        "hide_before": "Whole picture",
        "hide_after": "Part hidden",
        "hide_change": "Change of band energy (hidden − whole)",
        "hide_difference": "Change of the mel spectrogram (hidden − whole)",
        "hide_pictures": "Frame {frame}: whole, and with the part hidden. The yellow line is its border.",
        "hide_summary": "Hidden: {what}, {how}, {strength} %, frames {first}–{last} of 0–{end}.",
        "hide_how_dark": "darkened",
        "hide_how_still": "its movement stopped",
        "hide_own_named": "own shape {number}",
        "hide_speech": "While it speaks, the energy goes up or down by {sizes} on average, "
        "the spectrum changes by {mcd} dB (MCD).",
        "hide_no_speech": "The hidden frames hold no speech.",
        "hide_noise": "In its silences there is sound now: {changes}.",
        "hide_quiet": "In its silences: {changes}.",
        "hide_speech_mean": "While it speaks ({frames} frames), mean change",
        "hide_speech_size": "… mean absolute change",
        "hide_silence_mean": "In its silences ({frames} frames), mean change",
        "hide_silence_size": "… mean absolute change",
        "hide_cancel": "Louder and quieter frames cancel in the mean change, but not in the mean absolute change. "
        "Silence: more than 40 dB below the loudest frame.",
        "hide_nothing": "Exactly nothing changed: the two sounds are the same, sample by sample.",
        "hide_rescaled": "In {share} % of the hidden frames the part held the darkest or brightest point of the "
        "picture. The model scales each frame by those, so there the rest of the picture changed, too.",
    },
    "ja": {
        "hide_intro": "画像の一部を隠してもう一度合成し、モデルがそこから何を得ていたかを耳で確かめます。"
        "隠した画像はモデルにとって未知の入力です。変化は「モデルがその部分を使っていた」ことを示すもので、"
        "その器官がない人の声を示すものではありません。",
        "hide_run": "隠して合成し直す",
        "hide_waiting": "先に動画の音声合成を行ってください。フレームがここに表示されます。",
        "hide_canvas": "描画面。矢印キーで十字を動かし、Enterで頂点を置き、Backspaceで取り消し、"
        "Nで次の図形に移ります。",
        "hide_draw_help": "表示は上のエクスプローラーと同じフレームです。クリックで頂点、"
        "ドラッグで自由な輪郭を描けます。キーボードでは矢印・Enter・Backspace・N。",
        "hide_regions": "領域（動きに追従）",
        "hide_own": "自分で描いた図形",
        "hide_corners": "完成 {shapes} 個、描きかけの頂点 {corners} 個",
        "hide_undo": "頂点を取り消す",
        "hide_next": "次の図形",
        "hide_clear": "すべて消す",
        "hide_manner": "隠し方",
        "hide_dark": "暗くする（モデルには空気のように見えます）",
        "hide_still": "動きを止める（動画全体の平均像に置き換える）",
        "hide_strength": "強さ",
        "hide_where": "範囲",
        "hide_clip": "動画全体",
        "hide_stretch": "エクスプローラーで選んだ区間：",
        "hide_no_stretch": "なし",
        "hide_before": "画像全体",
        "hide_after": "一部を隠した場合",
        "hide_change": "帯域エネルギーの変化（隠した場合 − 全体）",
        "hide_difference": "メルスペクトログラムの変化（隠した場合 − 全体）",
        "hide_pictures": "フレーム{frame}：元の画像と、一部を隠した画像。黄色の線が隠した部分の境界です。",
        "hide_summary": "隠した部分：{what}（{how}、強さ{strength} %、全フレーム0–{end}のうち{first}–{last}）",
        "hide_how_dark": "暗くした",
        "hide_how_still": "動きを止めた",
        "hide_own_named": "自分で描いた図形{number}",
        "hide_speech": "発話中のエネルギーは平均で次の大きさだけ変化しました：{sizes}。"
        "スペクトルの違い（MCD）は{mcd} dBです。",
        "hide_no_speech": "隠したフレームに発話はありません。",
        "hide_noise": "無音だった部分に音が出ています：{changes}。",
        "hide_quiet": "無音部分の変化：{changes}。",
        "hide_speech_mean": "発話中（{frames}フレーム）の平均変化",
        "hide_speech_size": "　絶対値の平均",
        "hide_silence_mean": "無音部分（{frames}フレーム）の平均変化",
        "hide_silence_size": "　絶対値の平均",
        "hide_cancel": "平均変化では増加と減少が打ち消し合いますが、絶対値の平均では打ち消し合いません。"
        "無音部分は、最大のフレームより40 dB以上小さいフレームです。",
        "hide_nothing": "何も変わりませんでした。2つの音声は全サンプルが同一です。",
        "hide_rescaled": "隠したフレームの{share} %では、その部分に画像の最も暗い点または明るい点がありました。"
        "モデルは各フレームをその2点で正規化するため、そこでは画像のほかの部分も変化しています。",
    },
}
