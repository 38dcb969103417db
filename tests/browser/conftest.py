"""JupyterLab on copies of the student notebooks, as on the first day: no settings of anybody's."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from course_utils import lab

playwright = pytest.importorskip(
    "playwright.sync_api", reason='playwright is missing: pip install -e ".[dev]"'
)

REPO = Path(__file__).parents[2]
NOTEBOOK = "00_sampling.ipynb"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECONDS = 180  # patience with a busy machine; nothing waits longer than it must
SIZE = {"width": 1200, "height": 1600}  # tall, since cells off the screen are detached
STATE_DIRS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
    "MPLCONFIGDIR",
)


@dataclass(frozen=True)
class Server:
    """A running JupyterLab. `url` is that of its notebook."""

    port: int
    url: str

    def ask(self, path: str) -> list | dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api{path}", timeout=10) as page:
            return json.load(page)

    def kernel_is_idle(self) -> bool:
        sessions = self.ask("/sessions")
        return [s["kernel"]["execution_state"] for s in sessions] == ["idle"]


def wait_until(condition, what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited {SECONDS} s for {what}"
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that `course lab` starts, on a free port and without a token."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    root = tmp_path_factory.mktemp("lab")
    work = root / "my_work"
    work.mkdir()
    shutil.copy(REPO / "notebooks" / NOTEBOOK, work)
    port = free_port()
    arguments = lab.lab_arguments(work, NOTEBOOK, port, browser=False)
    arguments += ["--ServerApp.port_retries=0", "--IdentityProvider.token="]
    environment = {
        **os.environ,
        **lab.lab_environment(),
        "PYTHONPATH": str(REPO),
        "HF_HUB_OFFLINE": "1",
    }
    for name in STATE_DIRS:
        environment[name] = str(root / name)
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *arguments],
            env=environment,
            cwd=work,
            stdout=log,
            stderr=log,
        )
        running = Server(port, f"http://127.0.0.1:{port}/lab/tree/{NOTEBOOK}")

        def answers() -> bool:
            assert process.poll() is None, (root / "log").read_text()
            try:
                return "version" in running.ask("")
            except OSError:
                return False

        try:
            wait_until(answers, "JupyterLab")
            yield running
        finally:
            process.send_signal(signal.SIGTERM)  # it ends its kernels, too
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": flags}


@pytest.fixture(scope="session")
def addresses():
    """Every address that the browser asked for."""
    return []


@pytest.fixture(scope="session")
def opened(server, browser, addresses):
    """The page with notebook 00, its kernel idle. One page serves all tests, in their order."""
    context = browser.new_context(viewport=SIZE)
    context.set_default_timeout(1000 * SECONDS)
    playwright.expect.set_options(timeout=1000 * SECONDS)
    context.on("request", lambda request: addresses.append(request.url))
    page = context.new_page()
    page.on("websocket", lambda socket: addresses.append(socket.url))
    page.goto(server.url)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    wait_until(server.kernel_is_idle, "an idle kernel")
    yield page
    context.close()


@pytest.fixture(scope="session")
def finished(server, opened):
    """The page after Run > Run All Cells of the notebook as the student finds it."""
    opened.get_by_role("menuitem", name="Run", exact=True).click()
    opened.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    opened.locator(".jp-OutputArea-output", has_text="Not run: set REAL_MODEL").wait_for()
    wait_until(server.kernel_is_idle, "an idle kernel")
    return opened
