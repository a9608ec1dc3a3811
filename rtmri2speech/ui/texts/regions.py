"""What the panel "Regions" says."""

from .explorer import TEXTS as EXPLORER

_WORDS = {
    "en": {
        "tab_regions": "Regions",
        "regions_intro": "What is outlined in the frame is what tables, tracks, exports and “Hide and listen” call by "
        "its name. Look at the outlines; what is wrong can be corrected here, and every correction is in the export.",
        "regions_source": "Where regions come from",
        "regions_from_segmenter": "Found by the network",
        "regions_from_truth": "The phantom’s true labels",
        "regions_from_template": "Template that does not move",
        "regions_name": "What is corrected",
        "regions_all": "all regions",
        "regions_part": "In which frames",
        "regions_clip": "the whole clip",
        "regions_stretch": "the stretch chosen above",
        "regions_other": "From frame",
        "regions_take": "Take the regions of that frame",
        "regions_right": "Right (px of 256)",
        "regions_down": "Down (px of 256)",
        "regions_shift": "Move them",
        "regions_colour": "What is drawn becomes",
        "regions_rest": "the rest (takes away)",
        "regions_paint": "Paint what is drawn",
        "regions_undo": "Undo all corrections",
    },
    "ja": {
        "tab_regions": "領域",
        "regions_intro": "表・トラック・書き出し・「隠して聴く」で使う領域名は、画像に輪郭で示した部分を指します。"
        "輪郭を確かめ、誤りがあればここで修正できます。修正内容はすべて書き出しに記録されます。",
        "regions_source": "領域の求め方",
        "regions_from_segmenter": "ネットワークで検出",
        "regions_from_truth": "ファントムの正解ラベル",
        "regions_from_template": "動かないテンプレート",
        "regions_name": "修正する領域",
        "regions_all": "すべての領域",
        "regions_part": "対象フレーム",
        "regions_clip": "動画全体",
        "regions_stretch": "上で選んだ区間",
        "regions_other": "参照フレーム",
        "regions_take": "そのフレームの領域を使う",
        "regions_right": "右へ（256画素中）",
        "regions_down": "下へ（256画素中）",
        "regions_shift": "移動する",
        "regions_colour": "描いた部分の領域名",
        "regions_rest": "その他（消去）",
        "regions_paint": "描いた部分を塗る",
        "regions_undo": "修正をすべて取り消す",
    },
}
TEXTS = {
    language: words | {f"regions_{key}": name for key, name in EXPLORER[language].items() if key.startswith("region_")}
    for language, words in _WORDS.items()
}
