"""What the page says: both languages complete, and every message of the core in Japanese."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import rtmri2speech
from rtmri2speech.anatomy.polygons import TEMPLATE
from rtmri2speech.errors import InputError
from rtmri2speech.spec import Band
from rtmri2speech.ui import explorer, page
from rtmri2speech.ui.texts import EXPLORER, PARTS, TEXTS, in_language
from rtmri2speech.ui.texts.errors import JAPANESE

REPOSITORY = Path(rtmri2speech.__file__).parents[1]
# Reached from the command line only.
COMMANDS_ONLY = tuple(
    f"rtmri2speech/{name}"
    for name in """
        anatomy/tuning.py cli/ corpus/ export/grad_cam_files.py models/convert.py render/slowmo.py restore/
    """.split()
)
KANA = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
# The same in both languages, or without words.
NOT_WORDS = re.compile(r"[\W\d_]*|.*\{.*\}.*|[A-Z]{2,}\d?([ (（].*)?|[\w.]+\.(wav|csv|npy|zip)")


def input_errors(*folders: str) -> list[tuple[str, ast.expr, set[str]]]:
    """(place, template as it stands in the source, names of its values) of every InputError made in these folders."""
    found = []
    for file in sorted(file for folder in folders for file in (REPOSITORY / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if called in ("InputError", "_require"):
                place = f"{file.relative_to(REPOSITORY).as_posix()}:{node.lineno}"
                found.append((place, node.args[called == "_require"], {k.arg for k in node.keywords}))
    return found


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


@pytest.mark.slow
def test_every_message_is_a_template_and_gets_all_its_values():
    """A finished sentence (an f-string, a sum, a formatted text) could not be found again in another language."""
    made = input_errors("rtmri2speech", "training", "tests", "benchmarks")
    assert len(made) > 350
    finished = [place for place, node, _ in made if not isinstance(node, ast.Constant)]
    assert [place.split(":")[0] for place in finished] == ["rtmri2speech/spec.py"]  # _require itself
    for place, node, values in made:
        if isinstance(node, ast.Constant) and not place.startswith("tests/"):
            assert fields(node.value) == values, place


def test_every_message_of_the_core_is_there_in_japanese():
    templates = {
        node.value: place
        for place, node, _ in input_errors("rtmri2speech")
        if not place.startswith(COMMANDS_ONLY) and isinstance(node, ast.Constant)
    }
    assert len(templates) > 120
    assert {place: english for english, place in templates.items() if english not in JAPANESE} == {}
    assert JAPANESE.keys() - templates.keys() == set()  # nothing is kept for a message that is no longer made
    for english, japanese in JAPANESE.items():
        assert fields(japanese) == fields(english), english
        assert KANA.search(japanese) or not re.search("[a-z]", re.sub(r"\{.*?\}", "", english)), english


def test_a_message_keeps_what_it_is_about():
    with pytest.raises(InputError) as raised:
        Band("F1", 900, 300)
    assert in_language(raised.value, "en") == str(raised.value)
    assert in_language(raised.value, "ja").startswith("帯域F1は上下が逆か、幅がありません（900-300 Hz）。")
    braces = InputError("{path} is empty.", path="clip {x} : 1.mp4")
    assert in_language(braces, "ja") == "clip {x} : 1.mp4は空です。"
    assert in_language(InputError("{path}: {reason}", path="a.json", reason=raised.value), "ja").startswith(
        "a.json：帯域F1は上下が逆"
    )
    assert in_language(InputError("Something new about {name}.", name="x"), "ja") == "Something new about x."


def test_both_languages_say_everything():
    for texts in (EXPLORER, *(part.TEXTS for part in PARTS)):
        assert texts["en"].keys() == texts["ja"].keys()
        for key, words in texts["ja"].items():
            assert words.strip() and texts["en"][key].strip(), key
            assert KANA.search(words) or NOT_WORDS.fullmatch(words), (key, words)
    assert len(TEXTS["en"]) == sum(len(part.TEXTS["en"]) for part in PARTS)  # no key twice
    assert {f"region_{region.name}" for region in TEMPLATE} <= EXPLORER["en"].keys()


def test_every_stage_of_long_work_has_words():
    stages = set()
    for file in (REPOSITORY / "rtmri2speech").rglob("*.py"):
        if file.relative_to(REPOSITORY).as_posix().startswith(COMMANDS_ONLY):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Name("progress" | "part" | "tell"), [ast.Constant(str() as stage), _, *_]):
                    stages.add(stage)
                case ast.Call(ast.Attribute(attr="part"), [ast.Constant(str() as stage), _, _]):
                    stages.add(stage)
    assert len(stages) > 8
    assert {f"stage_{stage}" for stage in stages} <= TEXTS["en"].keys()


def test_every_word_the_page_asks_for_exists():
    """Those it is laid out with, and those that are only said where something is missing."""
    sources = (Path(rtmri2speech.__file__).parent / "ui").rglob("*.py")
    asked = set()
    for call in (node for file in sources for node in ast.walk(ast.parse(file.read_text("utf-8")))):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args:
            place = {"text": 1, "localise": 2, "refusal": 0}.get(call.func.attr, len(call.args))
            asked |= {key.value for key in call.args[place:][:1] if isinstance(key, ast.Constant)}
    laid_out = {
        key
        for component, attribute, keys in page.build().context.words
        for key in (keys.values() if isinstance(keys, dict) else [keys])
        if isinstance(key, str) and (component.elem_id, attribute) != ("example", "choices")
    }
    assert len(laid_out) > 120 and len(asked) >= 15 and laid_out | asked <= TEXTS["en"].keys()


def test_every_word_the_explorer_asks_for_exists():
    folder = Path(explorer.__file__).parent
    html, script = ((folder / name).read_text(encoding="utf-8") for name in ("explorer.html", "explorer.js"))
    asked = re.findall(r'data-(?:text|label|title)="(\w+)"', html) + re.findall(r'word\("(\w+[a-z])"\)', script)
    assert len(asked) > 35 and set(asked) <= EXPLORER["en"].keys()
