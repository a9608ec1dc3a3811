"""What the panel "Labels" says."""

TEXTS = {
    "en": {
        "tab_labels": "Labels",
        "labels_intro": "What is said when, in one tier. Everything here happens at the frame that the explorer "
        "shows; a boundary lies at the frame's start. Save writes a Praat TextGrid; "
        "the zip under *Export* holds it as well.",
        "labels_open": "Open a TextGrid …",
        "labels_save": "Save as TextGrid",
        "labels_saved": "TextGrid",
        "labels_text": "Text",
        "labels_name": "Name this label",
        "labels_add": "Boundary here",
        "labels_move": "Nearest boundary to here",
        "labels_remove": "Remove the nearest boundary",
        "labels_remark": "Remark at this frame",
        "labels_unremark": "Remove this frame's remarks",
    },
    "ja": {
        "tab_labels": "ラベル",
        "labels_intro": "いつ何を発音しているかを1つの層で示します。操作はエクスプローラーに表示中の"
        "フレームに対して行い、境界はそのフレームの始まりに置きます。"
        "保存するとPraatのTextGridになり、*書き出し* のzipにも入ります。",
        "labels_open": "TextGridを開く…",
        "labels_save": "TextGridとして保存",
        "labels_saved": "保存したTextGrid",
        "labels_text": "文字",
        "labels_name": "このラベルの名前にする",
        "labels_add": "ここに境界を置く",
        "labels_move": "最も近い境界をここへ",
        "labels_remove": "最も近い境界を消す",
        "labels_remark": "このフレームにメモ",
        "labels_unremark": "このフレームのメモを消す",
    },
}
