"""The page's handlers without Gradio, what the page is made of, and how it is started."""

import base64
import io
import json
import shutil
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
import soundfile

import app
from rtmri2speech.clips.formats.recording import ClipLimits
from rtmri2speech.errors import InputError
from rtmri2speech.models.bundle import DEFAULT_FOLDER
from rtmri2speech.progress import UNSEEN, Progress
from rtmri2speech.spec import DEFAULT_BANDS, F1, Band
from rtmri2speech.speech.audio import write_audio
from rtmri2speech.ui import Settings, build, launch, session
from rtmri2speech.ui import examples as examples_module
from rtmri2speech.ui.bundles import MOST_KEPT, Bundles
from rtmri2speech.ui.examples import Examples
from rtmri2speech.ui.jobs import Jobs, Stopped
from rtmri2speech.ui.target_rows import renamed
from rtmri2speech.ui.texts import TEXTS
from tests.conftest import moving_frames, write_mp4


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    write_mp4(folder / "disc 円.mp4", moving_frames(20, 64, 64))
    return folder


@pytest.fixture(scope="module")
def bundles_folder(bundle_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    for name in ("b", "a", "fixture"):
        shutil.copytree(bundle_folder, folder / name)
    (folder / "no bundle").mkdir()
    return folder


# ---- a clip is opened ----


def test_open_a_clip(bundle, clips):
    shares = []
    result = session.open_clip(
        bundle,
        clips / "disc 円.mp4",
        None,
        Progress(lambda stage, done, total: shares.append(done / total)),
        bundle_name="fixture",
    )
    assert result.name == "disc 円" == json.loads(result.payload)["name"]
    assert (result.bundle_name, result.source, result.reference) == ("fixture", clips / "disc 円.mp4", None)
    assert shares == sorted(shares) and 0.9 < shares[-1] <= 1


def test_the_original_speech_is_moved_by_milliseconds_from_where_it_was_given(bundle, clips, tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    write_audio(tmp_path / "given.wav", sound, 16000)
    result = session.open_clip(bundle, clips / "disc 円.mp4", tmp_path / "given.wav", UNSEEN, regions="template")
    given, moved = result.reference[0], result
    for ms, first in ((250.0, 4000), (100.0, 1600), (-50.0, -800)):
        moved = moved.with_shift(bundle, ms, UNSEEN)
        silence = np.zeros(max(0, -first), np.float32)
        expected = np.concatenate([silence, given[max(0, first) :]])
        np.testing.assert_array_equal(moved.reference[0], expected)
        assert moved.shift_ms == ms and moved.analysis.original[0] is moved.reference[0]
        wav = base64.b64decode(json.loads(moved.payload)["sounds"]["original"]["wav"])
        np.testing.assert_allclose(soundfile.read(io.BytesIO(wav))[0][:8000], expected[:8000], atol=1e-4)


def test_every_stage_has_words(bundle, clips):
    stages = set()
    session.open_clip(bundle, clips / "disc 円.mp4", None, Progress(lambda stage, *_: stages.add(stage)))
    assert stages and all(f"stage_{stage}" in TEXTS["ja"] for stage in stages)


def test_a_band_that_cannot_be_is_refused_before_the_clip_is_read(bundle, tmp_path):
    with pytest.raises(InputError, match="reaches beyond the mel's range"):
        session.open_clip(bundle, tmp_path / "no.mp4", None, UNSEEN, bands=[Band("F9", 5000, 9000)])


def test_the_limits_of_the_page_hold(bundle, clips):
    with pytest.raises(InputError, match="at most 0.5 s are read"):
        session.open_clip(bundle, clips / "disc 円.mp4", None, UNSEEN, limits=ClipLimits(longest_s=0.5))


def test_typed_bands():
    fixed = lambda *limits: (limits[0], "band", *limits[1:], 200, "synthesised")  # noqa: E731
    assert session.bands_of([fixed(" F1 ", 300, 900), fixed("鼻音", 200, 350.5)]) == (F1, Band("鼻音", 200, 350.5))
    for rows, sentence in (
        ([], "Give 1 to 4 bands, not 0"),
        ([fixed("A", 1, 2)] * 5, "Give 1 to 4 bands, not 5"),
        ([fixed("A", 100, 200)] * 2, "Two bands have the same name"),
        ([fixed("A", None, 200)], "Band A: give its lower and its upper limit"),
        ([fixed("A", 300, 200)], "Band A is reversed or empty"),
        ([fixed("", 100, 200)], "A band's name is 1 to 40 letters"),
        ([fixed("a/../b", 100, 200)], "A band's name is 1 to 40 letters"),
        ([("F2", "formant2", None, None, None, "truth")], "Band F2: give how many Hz on either side"),
        ([("F2", "formant2", None, None, -5, "truth")], "Band F2: give how many Hz on either side"),
        ([("F2", "formant2", None, None, 100, "guess")], "The band F2 follows a formant"),
    ):
        with pytest.raises(InputError, match=sentence):
            session.bands_of(rows)


def test_rows_are_the_bands_of_the_command_line():
    """Also those of a link, which has boxes as well: they have no row."""
    texts = ["F1:300-900", "loudness", "steil:tilt", "F2:formant2+-150/original"]
    bands = tuple(Band.parse(text) for text in texts)
    assert session.bands_of(session.rows_of(bands)) == bands
    box = "0.40-0.60s_900-2500:900-2500@0.4-0.6"
    assert session.bands_of_link([*texts[:3], box]) == (*bands[:3], Band.parse(box))
    assert session.rows_of(session.bands_of_link([*texts[:3], box])) == session.rows_of(bands[:3])
    assert session.bands_of_link(["F1:900-300"]) == session.bands_of_link([]) == ()


def test_a_row_is_called_as_its_kind_unless_someone_named_it():
    rows = session.rows_of(DEFAULT_BANDS)

    def changed(number, kind, name=None):
        return renamed([(name or r[0], kind, *r[2:]) if k == number else r for k, r in enumerate(rows)], number)

    assert changed(0, "loudness")[0] == "loudness" and changed(1, "formant2")[0] == "F2"
    assert changed(0, "formant2")[0] == "F2_followed"  # the other row is F2
    assert changed(0, "tilt", "mine")[0] == "mine"
    rows[0] = ("loudness", "loudness", None, None, 200, "synthesised")
    assert changed(0, "band") == ("F1", "band", 300, 900, 200, "synthesised")


# ---- jobs ----


def test_stop_ends_the_work_at_its_next_step(bundle, clips):
    jobs, seen = Jobs(), []
    check = jobs.start("someone")
    jobs.start("someone else")

    def show(stage, done, total):
        seen.append(stage)
        if stage == "attention":
            jobs.stop("someone")
        check()

    with pytest.raises(Stopped):
        session.open_clip(bundle, clips / "disc 円.mp4", None, Progress(show))
    assert seen[-1] == "attention" and "speech" not in seen


def test_a_new_job_ends_the_sessions_old_one():
    jobs = Jobs()
    old, other = jobs.start("a"), jobs.start("b")
    new = jobs.start("a")
    with pytest.raises(Stopped):
        old()
    new(), other()


# ---- examples and bundles, by name only ----


def test_an_example_is_analysed_once_and_found_by_name_only(bundle_folder, clips):
    write_audio(clips / "disc 円.wav", np.sin(np.arange(8000) / 5).astype(np.float32), 16000)
    examples, stages = Examples(Bundles(bundle_folder), clips), []
    assert examples.names == ["disc 円"]
    first = examples.open("disc 円", "fixture", Progress(lambda stage, *_: stages.append(stage)))
    assert "original" in json.loads(first.payload)["sounds"]
    assert first.analysis.bands == DEFAULT_BANDS
    stages.clear()
    assert examples.open("disc 円", "fixture", Progress(lambda stage, *_: stages.append(stage))) is first and not stages
    for name in ("../disc 円", str(clips / "disc 円.mp4"), "disc 円.mp4"):
        with pytest.raises(KeyError):
            examples.open(name, "fixture", UNSEEN)


def test_an_example_asked_for_by_many_at_once_is_analysed_once(bundle_folder, clips, monkeypatch):
    examples, analysed = Examples(Bundles(bundle_folder), clips), []
    analyse = session.analyse_clip
    monkeypatch.setattr(session, "analyse_clip", lambda *a, **k: analysed.append(1) or analyse(*a, **k))
    got = []
    ask = lambda: got.append(examples.open("disc 円", "fixture", UNSEEN))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(analysed) == 1 and len(got) == 5 and len(set(map(id, got))) == 1


def test_bundles_are_the_subfolders_that_hold_one(bundles_folder, bundle_folder):
    bundles = Bundles(bundles_folder / "b", bundles_folder)
    embedded = [path.parent.name for path in DEFAULT_FOLDER.parent.glob("*/bundle.json")]
    assert bundles.first == "b" and set(bundles.names) == {"a", "b", "fixture", *embedded}
    assert len(bundles.names) == 3 + len(embedded) and bundles.load("a").folder == bundles_folder / "a"
    assert bundles.load("a") is bundles.load("a")
    twice = Bundles(bundle_folder, bundles_folder)
    assert {"fixture", "fixture (2)"} < set(twice.names)
    assert twice.load("fixture").folder == bundle_folder
    for name in ("../a", "no bundle", str(bundles_folder / "a")):
        with pytest.raises(KeyError):
            bundles.load(name)
    with pytest.raises(InputError, match="no folder of bundles"):
        Bundles(bundle_folder, bundles_folder / "missing")


def test_only_some_bundles_stay_in_memory(bundle_folder, tmp_path):
    for number in range(MOST_KEPT + 1):
        shutil.copytree(bundle_folder, tmp_path / f"n{number}")
    bundles = Bundles(bundle_folder, tmp_path)
    first = bundles.load("n0")
    for number in range(1, MOST_KEPT):
        bundles.load(f"n{number}")
    assert bundles.load("n0") is first  # used again: it stays
    bundles.load(f"n{MOST_KEPT}")
    assert bundles.load("n0") is first and len(bundles._kept) == MOST_KEPT


# ---- the page ----


def test_page_needs_a_bundle_and_clips(tmp_path):
    with pytest.raises(InputError, match="no bundle"):
        build(Settings(bundle=tmp_path))
    with pytest.raises(InputError, match="no folder of clips"):
        build(Settings(clips=tmp_path / "none"))


def test_messages_name_files_not_folders(bundle_folder, clips):
    context = build(Settings(bundle=bundle_folder, clips=clips)).context
    cache = context.folder()
    for path, told in (
        (cache / "a b.mp4", "a b.mp4 is empty."),
        (clips / "disc 円.mp4", "disc 円.mp4 is empty."),
        (bundle_folder / "scaler.json", "fixture/scaler.json is empty."),
    ):
        assert context.message(InputError("{path} is empty.", path=path)) in (told, told.split("/")[-1])
    assert context.message(InputError("{path} is empty.", path=cache / "a b.mp4"), "ja") == "a b.mp4は空です。"
    assert "memory" in context.message(MemoryError())
    assert context.message(OSError(28, "No space left on device"), "ja") == "サーバーのディスクに空きがありません。"
    assert "has a fault (PermissionError)" in context.message(PermissionError(13, "no"))


def test_the_page_starts_behind_a_proxy_that_does_not_know_it(bundle_folder, clips, monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody is there
    monkeypatch.setattr("gradio.networking.url_ok", lambda url: False)  # as on a computer that is very busy
    page = build(Settings(bundle=bundle_folder, clips=clips))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch(page, host="127.0.0.1", port=port, blocking=False)
    try:
        assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    finally:
        page.close()


def test_the_page_knows_the_path_below_which_a_proxy_shows_it(bundle_folder, clips):
    page = build(Settings(bundle=bundle_folder, clips=clips))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch(page, host="127.0.0.1", port=port, blocking=False, root_path="/speech")
    try:
        told = httpx.get(f"http://127.0.0.1:{port}/config", trust_env=False).json()
        assert told["root"].endswith("/speech")
    finally:
        page.close()


@pytest.mark.slow
def test_core_does_not_import_gradio_and_imports_nothing_heavy_by_itself():
    code = (
        "import sys, rtmri2speech; assert 'torch' not in sys.modules; import rtmri2speech.analysis.pipeline;"
        "import rtmri2speech.cli;"
        "assert 'training' not in sys.modules; import app; assert 'gradio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "70000"], "'--port': Input should be less than or equal to 65535"),
        (["--max-minutes", "0"], "'--max-minutes': 0 is not a number above 0"),
        (["--max-upload-mb", "nan"], "'--max-upload-mb': nan is not a number above 0"),
        (["--language", "fr"], "'--language': Value error, 'fr' is not one of 'en', 'ja'"),
        (["--mpc"], "No such option: --mpc"),
        (["--bundle", "no-such"], "no-such: bundle.json is missing"),
        (["--bundles", "no-such"], "no folder of bundles no-such"),
        (["--clips", "no-such"], "no folder of clips no-such"),
    ],
)
def test_bad_flags_are_one_line(flags, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["app.py", "--no-browser", *flags])
    code = app.main()
    said = capsys.readouterr().err
    assert code == 2 and len(said.splitlines()) == 1 and words in said


def test_mcp_without_its_package_is_one_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setattr(sys, "argv", ["app.py", "--mcp"])
    assert app.main() == 2
    assert capsys.readouterr().err == 'app.py: --mcp needs one more package: pip install "gradio[mcp]"\n'


def test_the_example_that_the_page_opens_on_outlives_others(bundle_folder, clips, monkeypatch):
    """Of analyses beyond the most that are kept the oldest goes, but never that of the first view."""
    monkeypatch.setattr(examples_module, "MOST_KEPT", 2)
    monkeypatch.setattr(examples_module, "open_clip", lambda *_, bands, **__: SimpleNamespace(bands=bands))
    examples = Examples(Bundles(bundle_folder), clips)
    first = examples.open(examples.first, "fixture", UNSEEN)
    others = [(Band("x", 300.0 + k, 900.0),) for k in range(4)]
    for bands in others:
        assert examples.open(examples.first, "fixture", UNSEEN, bands).bands == bands
    assert examples.kept(examples.first, "fixture") is first
    assert [examples.kept(examples.first, "fixture", bands) is not None for bands in others] == [False] * 3 + [True]
