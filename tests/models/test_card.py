"""The model card as plain text: nothing of it can act on the page."""

from dataclasses import replace

from rtmri2speech.models.card import read_card

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
    card = read_card(replace(bundle, folder=tmp_path))
    assert card == {
        "Data": ["Ten minutes of speech, see the corpus."],
        "Limits": ["It says alert(1) little.", "Still about limits, with code."],
    }


def test_no_card_or_none_that_is_text(bundle, tmp_path):
    assert read_card(replace(bundle, folder=None)) == {}
    assert read_card(replace(bundle, folder=tmp_path)) == {}
    (tmp_path / "MODEL_CARD.md").write_bytes(bytes(range(256)) * 4000)
    assert read_card(replace(bundle, folder=tmp_path)) == {}
