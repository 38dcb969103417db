import datetime
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

import course_utils
from course_utils import cli, lab

TODAY = datetime.date.today().isoformat()


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course's folder with two notebooks, in which course_utils seems to be installed."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "00_sampling.ipynb").write_text("new 00")
    (notebooks / "02_kv_cache.ipynb").write_text("new 02")
    (notebooks / "README.md").write_text("the map")
    monkeypatch.setattr(course_utils, "__file__", str(tmp_path / "course_utils" / "__init__.py"))
    return tmp_path


@pytest.fixture
def launched(monkeypatch):
    """The arguments that JupyterLab was launched with."""
    from jupyterlab.labapp import LabApp

    launches = []
    monkeypatch.setattr(LabApp, "launch_instance", lambda argv: launches.append(argv))
    return launches


def contents(folder) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_missing_notebooks_are_copied_and_the_first_is_opened(course, launched):
    lab.open_lab()
    assert contents(course / "my_work") == {
        "00_sampling.ipynb": "new 00",
        "02_kv_cache.ipynb": "new 02",
    }
    (arguments,) = launched
    assert f"--ServerApp.root_dir={course / 'my_work'}" in arguments
    assert "--LabApp.default_url=/lab/tree/00_sampling.ipynb" in arguments
    assert "--no-browser" not in arguments


def test_options_reach_jupyterlab(course, launched):
    lab.open_lab(port=8899, browser=False)
    assert {"--ServerApp.port=8899", "--no-browser"} <= set(launched[0])


def test_work_is_never_overwritten(course, launched):
    (course / "my_work").mkdir()
    (course / "my_work" / "00_sampling.ipynb").write_text("my work")
    lab.open_lab()
    assert contents(course / "my_work") == {
        "00_sampling.ipynb": "my work",
        "02_kv_cache.ipynb": "new 02",
    }


def test_fresh_keeps_every_old_copy_under_a_dated_name(course, launched):
    work = course / "my_work"
    lab.open_lab()
    for mine in ("first try", "second try", "third try"):
        (work / "02_kv_cache.ipynb").write_text(mine)
        lab.open_lab(fresh="02")
    assert contents(work) == {
        "00_sampling.ipynb": "new 00",
        "02_kv_cache.ipynb": "new 02",
        f"02_kv_cache.{TODAY}.ipynb": "first try",
        f"02_kv_cache.{TODAY}-2.ipynb": "second try",
        f"02_kv_cache.{TODAY}-3.ipynb": "third try",
    }
    assert "--LabApp.default_url=/lab/tree/02_kv_cache.ipynb" in launched[-1]


def test_fresh_of_a_notebook_never_opened_copies_it(course, launched):
    lab.open_lab(fresh="02")
    assert contents(course / "my_work")["02_kv_cache.ipynb"] == "new 02"


@pytest.mark.parametrize("number", ["07", "2", "", "*", "02_kv"])
def test_fresh_of_an_unknown_notebook_does_nothing(course, launched, number, capsys):
    assert cli.main(["lab", "--fresh", number]) == 1
    error = capsys.readouterr().err
    assert repr(number) in error and "00, 02" in error
    assert not launched and not (course / "my_work").exists()


def test_outside_the_course_folder_one_sentence(tmp_path, monkeypatch, capsys, launched):
    monkeypatch.setattr(course_utils, "__file__", str(tmp_path / "course_utils" / "__init__.py"))
    assert cli.main(["lab"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "pip install -e" in error
    assert not launched and not list(tmp_path.iterdir())


def test_without_notebooks_one_sentence(course, launched, capsys):
    for notebook in (course / "notebooks").glob("*.ipynb"):
        notebook.unlink()
    assert cli.main(["lab"]) == 1
    assert "course build" in capsys.readouterr().err
    assert not launched and not (course / "my_work").exists()


def test_jupyterlab_starts_and_serves_the_notebook(course):
    """The real JupyterLab, from a fresh configuration."""
    program = (
        "import sys, course_utils; from course_utils import cli\n"
        f"course_utils.__file__ = {course_utils.__file__!r}\n"
        f"sys.exit(cli.main(['lab', '--no-browser', '--port', '{free_port()}']))"
    )
    environment = os.environ | {
        f"JUPYTER_{kind}_DIR": str(course / kind) for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    log = course / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
        )
    try:
        address = wait_for_address(server, log)
        assert "/lab/tree/00_sampling.ipynb?" in address
        assert re.search(r'"news": \{"disabled": true\}', read(address))
        listing = json.loads(read(address.replace("/lab/tree/00_sampling.ipynb", "/api/contents")))
        names = {entry["name"] for entry in listing["content"]}
        assert names == {"00_sampling.ipynb", "02_kv_cache.ipynb"}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def read(address: str) -> str:
    with urllib.request.urlopen(address, timeout=20) as answer:
        return answer.read().decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for_address(server, log) -> str:
    """The address with its token that JupyterLab prints; it listens only a moment later."""
    for _ in range(600):
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab/tree/\S+", log.read_text())
        if found and listens(int(found[1])):
            return found.group()
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())
