"""Everything a person reads on the page, in English and Japanese."""

TEXTS = {
    "en": {
        "intro": "Real-time MRI of a speaking vocal tract → speech, and what drove each formant band, frame by frame.",
        "bundle": "Model",
        "clip": "Example clip",
        "upload": "Or your own clip (mp4, avi, mov, mkv, webm, gif)",
        "run": "Synthesise and explain",
        "stop": "Stop",
        "speech": "Synthesised speech",
        "overlay": "Formant-band heatmaps over the clip",
        "frame": "Frame",
        "picture": "Chosen frame: plain, F1 band, F2 band",
        "caution": "One cell of the map covers 32 × 32 of the model's 256 × 256 pixels. A fixed band is not a tracked "
        "formant. Colours use one scale for the whole clip.",
        "untrained": "This bundle has random weights: what it says means nothing.",
    },
    "ja": {
        "intro": "発話中の声道のリアルタイムMRI動画から音声を合成し、"
        "各フォルマント帯域の根拠をフレームごとに示します。",
        "bundle": "モデル",
        "clip": "例の動画",
        "upload": "または手元の動画（mp4, avi, mov, mkv, webm, gif）",
        "run": "音声合成と可視化",
        "stop": "中止",
        "speech": "合成音声",
        "overlay": "フォルマント帯域のヒートマップを重ねた動画",
        "frame": "フレーム",
        "picture": "選択したフレーム：元画像、F1帯域、F2帯域",
        "caution": "マップの1マスはモデル入力256×256画素のうち32×32画素に当たります。"
        "固定帯域は追跡したフォルマントではありません。"
        "色の尺度は動画全体で共通です。",
        "untrained": "このモデルの重みは乱数です。出力に意味はありません。",
    },
}
