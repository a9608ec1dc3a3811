"""What the A/B player says, in every panel that has one."""

TEXTS = {
    "en": {
        "listen_label": "Listen and compare",
        "listen_play": "Play or pause",
        "listen_sound": "Which sound; the position stays",
        "listen_loop": "Loop",
        "listen_time": "Time",
        "listen_position": "{now} / {all} s",
        "listen_louder": "louder",
        "listen_quieter": "quieter",
        "listen_keys": "Space: play · 1 2 3: sound · ← →: one frame · L: loop",
    },
    "ja": {
        "listen_label": "聴き比べ",
        "listen_play": "再生・一時停止",
        "listen_sound": "音声の切り替え（位置はそのまま）",
        "listen_loop": "ループ",
        "listen_time": "時刻",
        "listen_position": "{now} / {all} 秒",
        "listen_louder": "大きい",
        "listen_quieter": "小さい",
        "listen_keys": "Space：再生 · 1 2 3：音声 · ← →：1フレーム · L：ループ",
    },
}
