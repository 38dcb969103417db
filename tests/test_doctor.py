import hashlib
import http.server
import json
import socket
import threading
import types

import pytest
from huggingface_hub import constants
from packaging.requirements import Requirement

from course_utils import cli, course_lm, doctor, models


def states(findings) -> dict[str, str]:
    return {finding.subject: finding.state for finding in findings}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A bundled model of two files with their recorded hashes."""
    files = {"config.json": b"{}", "model.safetensors": b"weights"}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    (tmp_path / "hashes.json").write_text(json.dumps(hashes))
    monkeypatch.setattr(course_lm, "FOLDER", tmp_path)
    return tmp_path


def test_whole_bundled_model(folder):
    assert states(doctor.bundled_model()) == {"course-lm": "ok"}


def test_changed_and_missing_files_are_named(folder):
    (folder / "model.safetensors").write_bytes(b"weightz")
    (folder / "config.json").unlink()
    (finding,) = doctor.bundled_model()
    assert finding.state == "FAIL" and finding.remedy
    assert finding.detail == "config.json is missing; model.safetensors is not the recorded file"


@pytest.mark.parametrize("hashes", [None, "{"])
def test_hashes_that_cannot_be_read(folder, hashes):
    (folder / "hashes.json").unlink()
    if hashes is not None:
        (folder / "hashes.json").write_text(hashes)
    (finding,) = doctor.bundled_model()
    assert finding.state == "FAIL" and "hashes.json" in finding.detail and finding.remedy


def test_a_model_that_does_not_load_fails_with_its_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(course_lm, "FOLDER", tmp_path / "nowhere")
    (finding,) = doctor.loading()
    assert finding.state == "FAIL" and "nowhere" in finding.detail


def test_a_broken_torch_fails_with_what_to_do(monkeypatch):
    def broken(name):
        raise OSError("libtorch.so: cannot open shared object file")

    monkeypatch.setattr(models, "load_lm", broken)
    (finding,) = doctor.loading()
    assert (finding.state, finding.remedy) == ("FAIL", doctor.INSTALL)
    assert "OSError: libtorch.so" in finding.detail


def test_a_model_that_loads_shows_its_device(monkeypatch):
    model = types.SimpleNamespace(device="cuda:0")
    monkeypatch.setattr(models, "load_lm", lambda name: (model, None))
    (finding,) = doctor.loading()
    assert finding.state == "ok" and "cuda:0" in finding.detail


@pytest.fixture
def embedder(tmp_path, monkeypatch):
    """The folder of a stand-in for the embedder's package, whose one file is the official one."""
    found = types.SimpleNamespace(locate_file=lambda folder: tmp_path / folder)
    monkeypatch.setattr(doctor.importlib.metadata, "distribution", lambda name: found)
    monkeypatch.setattr(
        models, "MINILM_SHA256", {"model.safetensors": hashlib.sha256(b"official").hexdigest()}
    )
    files = tmp_path / models.MINILM_FOLDER
    files.mkdir(parents=True)
    (files / "model.safetensors").write_bytes(b"official")
    return files


def test_embedder_with_the_official_files(embedder):
    assert states(doctor.embedder()) == {"embedder": "ok"}


def test_embedder_with_other_files_fails(embedder):
    (embedder / "model.safetensors").write_bytes(b"another")
    (finding,) = doctor.embedder()
    assert finding.state == "FAIL" and "model.safetensors" in finding.detail and finding.remedy


def test_without_the_embedder_a_note(monkeypatch):
    monkeypatch.setattr(models, "MINILM_PACKAGE", "a-package-that-is-not-there")
    assert states(doctor.embedder()) == {"embedder": "note"}


class NotFound(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_error(404)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def online(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def test_a_hub_that_answers_anything_is_reachable(monkeypatch, online):
    server = http.server.HTTPServer(("127.0.0.1", 0), NotFound)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    try:
        assert states(doctor.hub()) == {"Hub": "ok"}
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:{port}", "no address"])
def test_a_hub_that_does_not_answer_is_a_note(monkeypatch, online, endpoint):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = endpoint.format(port=closed.getsockname()[1])
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        (finding,) = doctor.hub()
    assert finding.state == "note" and endpoint in finding.detail


def test_a_hub_that_is_switched_off_is_not_asked(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "ENDPOINT", "no address")
    (finding,) = doctor.hub()
    assert finding.state == "note" and "HF_HUB_OFFLINE" in finding.detail


def test_packages_outside_their_range_fail():
    outside = doctor.package(Requirement("pytest<1"))
    absent = doctor.package(Requirement("a-package-that-is-not-there"))
    assert [outside.state, absent.state] == ["FAIL", "FAIL"]
    assert "<1" in outside.detail and outside.remedy == absent.remedy == doctor.INSTALL
    assert doctor.package(Requirement("pytest>1")).state == "ok"


def test_the_runtime_is_looked_at_and_the_tools_are_not():
    subjects = {finding.subject for finding in doctor.packages()}
    assert {"torch", "transformers", "ipywidgets"} <= subjects
    assert not {"pytest", "jupyterlab", "nbgrader"} & subjects


def test_an_old_python_fails(monkeypatch):
    monkeypatch.setattr(doctor.platform, "python_version", lambda: "3.10.4")
    (finding,) = doctor.python()
    assert finding.state == "FAIL" and "3.10.4" in finding.detail and ">=3.11" in finding.remedy


def test_widgets_need_their_part_in_jupyterlab(tmp_path, monkeypatch):
    assert states(doctor.jupyterlab()) == {"jupyterlab": "ok", "widgets": "ok"}
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *parts: [str(tmp_path)])
    assert states(doctor.jupyterlab()) == {"jupyterlab": "ok", "widgets": "FAIL"}


def test_colab_needs_no_jupyterlab(monkeypatch):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    monkeypatch.setattr(doctor, "needs", lambda extra: [])
    assert states(doctor.jupyterlab()) == {"jupyterlab": "ok"}


@pytest.mark.parametrize("free, state", [(1, "note"), (8, "ok")])
def test_little_memory_is_a_note(monkeypatch, free, state):
    memory = types.SimpleNamespace(available=free * 2**30, total=8 * 2**30)
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    (finding,) = doctor.memory()
    assert finding.state == state and f"{free}.0 of 8.0 GiB" in finding.detail
    assert bool(finding.remedy) == (state == "note")


def test_what_only_authors_need_is_no_failure(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda program: None)
    assert states(doctor.tools())["git"] == "note"


@pytest.mark.parametrize("found, status", [(["ok", "note"], 0), (["ok", "FAIL", "note"], 1)])
def test_only_failures_set_the_exit_status(monkeypatch, capsys, found, status):
    findings = [doctor.Finding(state, "subject", "detail", "remedy") for state in found]
    monkeypatch.setattr(doctor, "EXAMINATIONS", [lambda: iter(findings)])
    assert cli.main(["doctor"]) == status
    assert capsys.readouterr().out.splitlines()[:-2] == [str(finding) for finding in findings]
