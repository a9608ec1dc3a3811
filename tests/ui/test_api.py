"""The named endpoints, asked over HTTP as docs/api.md says, against the core itself."""

import http.client
import json
import re
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import av
import numpy as np
import pytest

from rtmri2speech.analysis.pipeline import analyse
from rtmri2speech.clips.clip import read_clip
from rtmri2speech.models.load import load_bundle
from rtmri2speech.spec import F1, Band
from rtmri2speech.speech.audio import read_audio
from rtmri2speech.ui import Settings, session
from rtmri2speech.ui.allowed_hosts import KnownHosts
from tests.browser.serving import served
from tests.conftest import moving_frames, write_mp4

pytestmark = pytest.mark.slow
DOCS = Path(__file__).parents[2] / "docs" / "api.md"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    tone = 0.3 * np.sign(np.sin(2 * np.pi * 110 * np.arange(round(16000 * 14 / 27)) / 16000))
    return write_mp4(tmp_path_factory.mktemp("clip") / "円 clip.mp4", moving_frames(14), audio=tone)


@pytest.fixture(scope="module")
def address(bundle_folder, clip, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("cache")))
        limits = replace(session.PAGE_LIMITS, longest_s=10.0)
        settings = Settings(bundle=bundle_folder, bundles=bundle_folder.parent, clips=clip.parent, limits=limits)
        with served(settings) as address:
            yield address


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    gradio_client = pytest.importorskip("gradio_client")
    return gradio_client.Client(address, verbose=False, download_files=str(tmp_path_factory.mktemp("got")))


def asked(client, clip, api_name, **choices):
    from gradio_client import handle_file

    return client.predict(video=handle_file(clip), api_name=api_name, **choices)


@pytest.fixture(scope="module")
def expected(bundle_folder, clip):
    bands = (F1, Band("M", 900, 2500))
    return analyse(load_bundle(bundle_folder), read_clip(clip), bands, "sequence", "power", "frame")


def test_speech_is_the_cores(client, clip, expected):
    wav, report = asked(client, clip, "/synthesise")
    samples, rate = read_audio(wav)
    assert rate == report["sample_rate"] == 11413 and report["frames"] == len(expected.mel_db)
    assert np.abs(samples - expected.audio).max() < 2e-3  # 16 bit
    assert report["bundle"] == "fixture" and "bands" in report


def test_heatmaps_are_the_cores_by_the_given_choices(client, clip, expected):
    choices = {"objective": "sequence", "energy": "power", "normalize": "frame"}
    files, report = asked(client, clip, "/gradcam", bands="F1:300-900, M:900-2500", **choices)
    assert [Path(file).name for file in files] == ["gradcam_F1_sequence.npy", "gradcam_M_sequence.npy"]
    for file, name in zip(files, ("F1", "M"), strict=True):
        assert expected.heatmap(name).max() == 1
        np.testing.assert_allclose(np.load(file), expected.heatmap(name), atol=1e-3)
    np.testing.assert_allclose(report["bands"][1]["db"], expected.band_db["M"], atol=1e-2)
    assert {key: report[key] for key in choices} == choices


def test_overlay_has_the_length_and_the_sound_asked_for(client, clip, expected):
    video, _ = asked(client, clip, "/overlay", slow=2, audio="original")
    with av.open(video) as container:
        assert len(container.streams.audio) == 1
        assert sum(1 for _ in container.decode(video=0)) == 2 * len(expected.mel_db)
    video, _ = asked(client, clip, "/overlay", bands="F2:900-2500", audio="none")
    with av.open(video) as container:
        assert len(container.streams.audio) == 0


@pytest.mark.parametrize(
    ("endpoint", "choices", "sentence"),
    [
        ("/gradcam", {"bands": "F1:900-300"}, "Band F1 is reversed or empty"),
        ("/gradcam", {"bands": "F9:9000-9900"}, "reaches beyond the mel's range"),
        ("/gradcam", {"bands": ""}, "Give 1 to 4 bands, not 0"),
        ("/gradcam", {"bands": "F1:1-900 F1:1-800"}, "Two bands have the same name"),
        ("/gradcam", {"objective": "none"}, "not in the list of choices"),
        ("/gradcam", {"bundle": "../fixture"}, "not in the list of choices"),
        ("/overlay", {"slow": 11}, "factor from 1 to 10, not 11"),
        ("/overlay", {"slow": 0.5}, "factor from 1 to"),
        ("/overlay", {"alpha": 2}, "opacity alpha must be from 0 to 1"),
    ],
)
def test_bad_choices_are_the_cores_sentence(client, clip, endpoint, choices, sentence):
    from gradio_client.exceptions import AppError

    with pytest.raises(AppError, match=re.escape(sentence)):
        asked(client, clip, endpoint, **choices)


def test_bad_files_are_a_sentence_without_a_folder(client, tmp_path):
    from gradio_client.exceptions import AppError

    (tmp_path / "notes.mp4").write_bytes(b"no video")
    long = write_mp4(tmp_path / "long.mp4", moving_frames(30, 16, 16), fps=2)
    for file, sentence in ((tmp_path / "notes.mp4", "notes.mp4 is not a video"), (long, "long.mp4 lasts 15.0 s")):
        with pytest.raises(AppError, match=f"^{sentence}"):
            asked(client, file, "/synthesise")


def test_nothing_else_is_public(client):
    endpoints = client.view_api(return_format="dict")
    assert set(endpoints["named_endpoints"]) == {"/synthesise", "/gradcam", "/overlay"}
    assert not endpoints["unnamed_endpoints"]


def test_the_examples_of_the_docs_run(address, clip, tmp_path, monkeypatch, capsys):
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    names = {}
    for block in blocks:
        exec(block.replace("http://127.0.0.1:7860/", address), names)
    assert Path(names["video"]).suffix == ".mp4" and names["heatmap"].shape == (14, 256, 256)
    assert "give the lower limit first" in capsys.readouterr().out


# --------------------------------------------------------------------------------------------- requests no page sends


def posted(address, body, host=None):
    """POST to /gradio_api/call/synthesise as a program would, and what it is told: (status, text of the events)."""
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"Host": host} if host else {})
    connection.request("POST", "/gradio_api/call/synthesise", json.dumps({"data": body}), headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        return answer.status, text
    connection.request("GET", f"/gradio_api/call/synthesise/{json.loads(text)['event_id']}", headers=headers)
    return 200, connection.getresponse().read().decode()


@pytest.mark.parametrize(
    "video",
    [
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "nowhere.mp4", "meta": {"_type": "gradio.FileData"}},
        {"path": "nowhere.mp4"},
        {"meta": {"_type": "gradio.FileData"}},
        ["clip.mp4"],
        7,
    ],
)
def test_a_file_that_was_not_uploaded_is_told_in_a_sentence(address, bundle_folder, capfd, video):
    status, told = posted(address, [video, bundle_folder.name])
    assert status == 200 and "event: error" in told, told
    error = json.loads(told.split("data: ", 1)[1].splitlines()[0])["error"]
    assert error and error.endswith(".") and "passwd" not in error and "/" not in error, told
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 403),
        ("evil.example:7860", 403),
        ("localhost.evil.example", 403),
        ("10.0.0.7", 403),
        ("", 403),
        ("localhost:99", 200),
        ("[::1]:7860", 200),
        ("LOCALHOST", 200),
    ],
)
def test_only_hosts_that_were_asked_for_are_answered(address, host, status):
    place = urlsplit(address)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    connection.putrequest("GET", "/config", skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == status
    assert status == 200 or "--server-name" in text


def test_hosts_follow_from_what_was_asked_for():
    def answers(host, name, **asked):
        return KnownHosts(None, host, **asked).answers_to(name)

    assert answers("127.0.0.1", "lab.example", names=["Lab.example"]) and not answers("127.0.0.1", "lab.example")
    assert answers("0.0.0.0", "192.168.1.7") and answers("0.0.0.0", socket.gethostname().lower())
    assert not answers("0.0.0.0", "evil.example") and answers("::", "fe80::1")
    assert answers("192.168.1.7", "192.168.1.7") and not answers("192.168.1.7", "192.168.1.8")
    assert answers("127.0.0.1", "abc.gradio.live", share=True) and not answers("127.0.0.1", "abc.gradio.live")
