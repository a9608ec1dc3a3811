"""The model card as plain text: nothing of it can act on the page."""

from dataclasses import replace

from rtmri2speech.models.load import load_bundle
from rtmri2speech.models.model_card import read_card

CARD = """# a model

Some words before the first section.

## Data

Ten minutes of *speech*, see [the corpus](http://example.org/x).
![a picture](http://example.org/track.png)

| a | table |
|---|---|

What the next table shows:

| a | table |
|---|---|

## Limits

It says <script>alert(1)</script> little.

### Deeper

Still about limits, with `code`.

```
## Not a section
rm -rf
```
"""


def test_sections_as_plain_text(bundle, tmp_path):
    (tmp_path / "MODEL_CARD.md").write_text(CARD.replace("\n", "\r\n"), encoding="utf-8", newline="")
    card, written = read_card(replace(bundle, folder=tmp_path))
    assert written == "en" and card == {
        "Data": ["Ten minutes of speech, see the corpus."],
        "Limits": ["It says alert(1) little.", "Still about limits, with code."],
    }


def test_no_card_or_none_that_is_text(bundle, tmp_path):
    assert read_card(replace(bundle, folder=None)) == ({}, "en")
    assert read_card(replace(bundle, folder=tmp_path)) == ({}, "en")
    (tmp_path / "MODEL_CARD.md").write_bytes(bytes(range(256)) * 4000)
    assert read_card(replace(bundle, folder=tmp_path)) == ({}, "en")


def test_a_japanese_card_is_read_where_there_is_one(bundle, tmp_path):
    (tmp_path / "MODEL_CARD.md").write_text(CARD, encoding="utf-8")
    ours = replace(bundle, folder=tmp_path)
    assert read_card(ours, "ja") == read_card(ours, "en")
    (tmp_path / "MODEL_CARD.ja.md").write_text("## 限界\n\n声は**ささやき**です。", encoding="utf-8")
    assert read_card(ours, "ja") == ({"限界": ["声はささやきです。"]}, "ja")
    assert read_card(ours, "en")[1] == "en"


def test_the_embedded_model_has_both_cards():
    ours = load_bundle()
    for language, headings in (("en", {"Data", "Limits"}), ("ja", {"データ", "限界"})):
        card, written = read_card(ours, language)
        assert written == language and headings <= card.keys()
