"""What the page says: both languages complete, and every message of the core in Japanese."""

import ast
import re
from pathlib import Path

import pytest

import rtmri2speech
from rtmri2speech.errors import InputError
from rtmri2speech.regions import TEMPLATE
from rtmri2speech.spec import Band
from rtmri2speech.ui import explorer
from rtmri2speech.ui.texts import EXPLORER, PARTS, TEXTS, in_language

PACKAGE = Path(rtmri2speech.__file__).parent
# Reached from the command line only.
COMMANDS_ONLY = ("cli.py", "models/convert.py", "restore/")
KANA = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
# The same in both languages, or without words.
NOT_WORDS = re.compile(r"[\W\d_]*|.*\{.*\}.*|[A-Z]{2,}\d?([ (（].*)?|[\w.]+\.(wav|csv|npy|zip)")


def message_templates() -> list[tuple[str, str]]:
    """(place, message) of every InputError in the source; what is filled in stands as «0», «1», ..."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith(COMMANDS_ONLY):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            sentence = {"InputError": node.args[:1], "_require": node.args[1:2]}.get(called) if called else None
            for argument in sentence or ():
                found += [(f"{name}:{node.lineno}", text) for text in texts_of(argument)]
    return found


def texts_of(node: ast.expr) -> list[str]:
    """The sentences that an expression may give; none for a variable, whose text is made elsewhere."""
    match node:
        case ast.Constant(str() as text):
            return [text]
        case ast.JoinedStr():
            numbers = iter(range(99))
            pieces = [v.value if isinstance(v, ast.Constant) else f"«{next(numbers)}»" for v in node.values]
            return ["".join(pieces)]
        case ast.IfExp():
            return texts_of(node.body) + texts_of(node.orelse)
        case ast.BinOp():
            return [a + b for a in texts_of(node.left) for b in texts_of(node.right)]
        case ast.Call(ast.Attribute(ast.Constant(str() as text), "format")):
            return [re.sub(r"\{\}", "«0»", text)]
    return []


def test_every_message_of_the_core_is_there_in_japanese():
    templates = message_templates()
    assert len(templates) > 120
    untold = []
    for place, message in templates:
        if not re.search("[a-z]", re.sub("«\\d»", "", message)):
            continue  # a file's name before another message
        told = in_language(message, "ja")
        if not KANA.search(told) or any(gap not in told for gap in re.findall("«\\d»", message)):
            untold.append(f"{place}: {message}")
    assert untold == []


def test_a_message_keeps_what_it_is_about():
    with pytest.raises(InputError) as raised:
        Band("F1", 900, 300)
    assert in_language(str(raised.value), "en") == str(raised.value)
    assert in_language(str(raised.value), "ja").startswith("帯域F1は上下が逆か、幅がありません（900-300 Hz）。")
    told = in_language("clip {x} : 1.mp4 lasts 400.0 s: at most 300 s are read, cut it first.", "ja")
    assert told.startswith("clip {x} : 1.mp4の長さは400.0秒です。読み込めるのは300秒までです。")
    assert in_language("Something new.", "ja") == "Something new."


def test_both_languages_say_everything():
    for texts in (EXPLORER, *(part.TEXTS for part in PARTS)):
        assert texts["en"].keys() == texts["ja"].keys()
        for key, words in texts["ja"].items():
            assert words.strip() and texts["en"][key].strip(), key
            assert KANA.search(words) or NOT_WORDS.fullmatch(words), (key, words)
    assert len(TEXTS["en"]) == sum(len(part.TEXTS["en"]) for part in PARTS)  # no key twice
    assert {f"region_{region.name}" for region in TEMPLATE} <= EXPLORER["en"].keys()


def test_every_word_the_explorer_asks_for_exists():
    folder = Path(explorer.__file__).parent
    html, script = ((folder / name).read_text(encoding="utf-8") for name in ("explorer.html", "explorer.js"))
    asked = re.findall(r'data-(?:text|label|title)="(\w+)"', html) + re.findall(r'word\("(\w+[a-z])"\)', script)
    assert len(asked) > 35 and set(asked) <= EXPLORER["en"].keys()
