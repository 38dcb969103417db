"""The house itself: dependencies, commands, what is tracked, the rule about skips in CI."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = PROJECT["name"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {
    extra: [Requirement(text) for text in texts]
    for extra, texts in PROJECT["optional-dependencies"].items()
}
DIRECT = [
    requirement
    for requirement in RUNTIME + sum(EXTRAS.values(), [])
    if requirement.name != NAME  # an extra that takes in another
]
PINS = {
    canonicalize_name(pin.name): pin
    for pin in map(
        Requirement,
        (line for line in (ROOT / "constraints.txt").read_text().splitlines() if line[0] != "#"),
    )
}


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


# ---- dependencies


def version(pin: Requirement) -> str:
    """The version of an exact pin, without a local part such as +cpu, else a failure."""
    exact = re.fullmatch(r"==([0-9][0-9a-z.]*)", str(pin.specifier))
    assert exact and not pin.marker and not pin.url and not pin.extras, f"not a plain pin: {pin}"
    return exact[1]


def test_every_direct_dependency_is_pinned_inside_its_range():
    for requirement in DIRECT:
        pin = PINS[canonicalize_name(requirement.name)]
        assert version(pin) in requirement.specifier, f"{pin} is outside {requirement}"


def test_pins_are_exact_and_name_the_torch_of_the_tests():
    assert all(version(pin) for pin in PINS.values())
    assert version(PINS["torch"]) == "2.13.0"


@pytest.mark.skipif(sys.platform != "linux", reason="the pins were resolved on Linux")
def test_the_whole_closure_of_dev_is_pinned():
    assert closure(Requirement(f"{NAME}[dev]")) <= PINS.keys() | {NAME}


def closure(requirement: Requirement, seen: set | None = None) -> set[str]:
    """The installed packages that ``requirement`` brings; what torch brings is torch's to pin."""
    seen = set() if seen is None else seen
    for extra in requirement.extras or {""}:
        name = canonicalize_name(requirement.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        needs = [] if name == "torch" else importlib.metadata.requires(name) or []
        for need in map(Requirement, needs):
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                closure(need, seen)
    return {name for name, _ in seen}


def test_dev_holds_the_other_extras():
    (others,) = (requirement for requirement in EXTRAS["dev"] if requirement.name == NAME)
    assert others.extras == EXTRAS.keys() - {"dev"}


def test_conda_environment_is_the_same_as_pip():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, by_pip = environment["dependencies"]
    assert python.startswith("python=") and pip == "pip"
    required = Requirement("python" + PROJECT["requires-python"]).specifier
    assert python.removeprefix("python=") in required
    assert by_pip == {"pip": ["-c constraints.txt", "-e .[dev]"]}


COLAB = {
    "torch": "2.11.0",
    "transformers": "5.15.0",
    "numpy": "2.1.0",
    "sentence-transformers": "5.7.0",
    "ipywidgets": "7.7.1",
    "matplotlib": "3.10.0",
}


def test_the_runtime_leaves_colab_alone():
    for requirement in RUNTIME:
        if requirement.name in COLAB:
            assert COLAB[requirement.name] in requirement.specifier, requirement
    assert COLAB.keys() <= {requirement.name for requirement in RUNTIME}
    assert "3.13" in Requirement("python" + PROJECT["requires-python"]).specifier


def test_the_runtime_holds_no_tool():
    tools = {"jupyterlab", "nbval", "pytest", "ruff", "jupytext", "nbgrader", "torchvision"}
    assert not tools & {requirement.name for requirement in RUNTIME}


def test_importing_the_package_is_light():
    program = (
        "import sys, course_utils, course_utils.course_lm\n"
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


# ---- what is tracked


def test_every_data_file_is_installed_with_the_package():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    installed = {
        path
        for package, patterns in tool["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    data = {
        path
        for path in tracked()
        if path.is_relative_to(ROOT / "course_utils") and path.suffix != ".py"
    }
    assert data <= installed


# Written in two parts, so that this file does not hold them.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "download." + "pytorch.org",
    "npmjs" + ".org",
    "anaconda" + ".org",
    "debian" + ".org",
]
MACHINE_PATH = re.compile(r"(?<![\w.}/-])(/(root|home|work|Users|tmp/[a-z])/|[A-Z]:\\Users)\w*")


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine():
    for path in tracked():
        text = path.read_bytes().decode(errors="ignore")
        found = [host for host in REGISTRIES if host in text]
        found += [match.group() for match in MACHINE_PATH.finditer(text)]
        assert not found, f"{path.relative_to(ROOT)}: {found}"


def test_the_readme_starts_with_the_commands():
    first_screen = "\n".join((ROOT / "README.md").read_text().splitlines()[:40])
    for command in (
        "make lab",
        "make test",
        'pip install -e ".[lab]" -c constraints.txt',
        "course lab",
        "conda env create -f environment.yml",
        "TORCH_INDEX",
    ):
        assert command in first_screen


# ---- the two commands


def executable(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path):
    """The Makefile beside a .venv whose programs write down how they are called."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for program in ("python", "course", "ruff", "pytest"):
        executable(tmp_path / ".venv/bin" / program, f'echo {program} "$@" >> calls')
    return tmp_path


needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


def calls(folder: Path) -> list[str]:
    """The calls since the last look."""
    log = folder / "calls"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines


@needs_make
def test_a_second_call_installs_nothing(clone):
    install = "python -m pip install -c constraints.txt -e .[{}]"
    assert make(clone, "lab").returncode == 0
    assert calls(clone)[-2:] == [install.format("lab"), "course lab"]
    assert make(clone, "lab").returncode == 0
    assert calls(clone) == ["course lab"]

    assert make(clone, "test").returncode == 0
    assert install.format("dev") in calls(clone)
    assert make(clone, "test").returncode == 0
    assert not [call for call in calls(clone) if "pip" in call]

    later = (clone / ".venv/.installed-dev").stat().st_mtime + 1
    os.utime(clone / "constraints.txt", (later, later))
    make(clone, "lab")
    assert install.format("lab") in calls(clone)


@needs_make
def test_all_stages_run_in_order_and_the_first_failure_ends_them(clone):
    assert make(clone, "-j4", "test").returncode == 0
    programs = [call.split()[0] for call in calls(clone)]
    assert programs[-8:] == ["ruff", "ruff", "course", *5 * ["pytest"]]

    executable(clone / ".venv/bin/course", 'echo course "$@" >> calls; exit 1')
    assert make(clone, "test").returncode != 0
    assert [call.split()[0] for call in calls(clone)] == ["ruff", "ruff", "course"]


@needs_make
def test_torch_comes_from_the_index_that_is_named(clone):
    assert make(clone, "lab", "TORCH_INDEX=http://127.0.0.1/cpu").returncode == 0
    pip = [call for call in calls(clone) if "install" in call]
    assert len(pip) == 2 and "--index-url http://127.0.0.1/cpu torch" in pip[0]
    assert "index" not in pip[1]


@needs_make
def test_without_a_python_one_sentence(clone):
    shutil.rmtree(clone / ".venv")
    executable(clone / "old-python", "exit 1")
    result = make(clone, "lab", "PYTHON=./old-python no-such-python")
    assert result.returncode != 0
    assert "needs Python 3.11 or newer and found none" in result.stderr
    assert not (clone / ".venv").exists()


@needs_make
def test_the_venv_is_made_with_a_python_that_is_new_enough(clone):
    shutil.rmtree(clone / ".venv")
    executable(clone / "old-python", "exit 1")
    executable(clone / "new-python", 'echo new-python "$@" >> calls')
    make(clone, "lab", "PYTHON=./old-python ./new-python")
    assert "new-python -m venv .venv" in calls(clone)


@pytest.mark.parametrize("missing", [[], ["chromium"]])
@pytest.mark.parametrize("status", [0, 2])
def test_ci_installs_what_is_missing_and_ends_as_make_test_does(tmp_path, missing, status):
    shutil.copytree(ROOT / ".ci", tmp_path / "clone/.ci")
    programs = tmp_path / "bin"
    for program in {"git", "python3", "chromium", "apt-get", "sudo"} - set(missing):
        executable(programs / program, f'echo {program} "$@" >> "{tmp_path}/calls"')
    executable(programs / "make", f'echo make "$@" >> "{tmp_path}/calls"; exit {status}')
    for program in ("bash", "dirname", "sh"):
        (programs / program).symlink_to(shutil.which(program))
    result = subprocess.run(
        [programs / "bash", tmp_path / "clone/.ci/run"], env={"PATH": str(programs)}
    )
    assert (result.returncode == 0) == (status == 0)
    made = calls(tmp_path)
    assert made[-1] == "make test"
    installs = [call for call in made if "install" in call]
    assert [call.endswith("chromium") for call in installs] == [True] * len(missing)


# ---- in CI a skipped browser test is a failure


SKIPS = """
import pytest

def test_passes(): pass

def test_skips(): pytest.skip("no browser here")

@pytest.mark.skipif(True, reason="no browser here")
def test_is_skipped(): pass

@pytest.mark.xfail
def test_fails_as_expected(): assert False
"""


@pytest.mark.parametrize("ci, failed, skipped", [("true", 3, 2), ("", 0, 5)])
def test_a_skipped_browser_test_fails_in_ci_only(pytester, monkeypatch, ci, failed, skipped):
    monkeypatch.setenv("CI", ci)
    pytester.makeconftest((ROOT / "tests/conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers = browser")
    pytester.mkdir("browser")
    (pytester.path / "browser/test_browser.py").write_text(SKIPS)
    (pytester.path / "browser/test_module.py").write_text(
        "import pytest; pytest.importorskip('a_package_that_is_not_there')"
    )
    (pytester.path / "test_unit.py").write_text(SKIPS)
    result = pytester.runpytest_subprocess("--continue-on-collection-errors")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 2 and outcomes["xfailed"] == 2
    assert (
        outcomes.get("failed", 0) + outcomes.get("errors", 0) + outcomes.get("error", 0) == failed
    )
    assert outcomes["skipped"] == skipped
    assert (result.ret == 0) == (failed == 0)


@pytest.mark.parametrize("made", ["my_work/00_sampling.ipynb", ".venv/bin/python", "runs/x/y.pt"])
def test_working_with_the_course_leaves_git_status_clean(made):
    assert subprocess.run(["git", "check-ignore", "-q", made], cwd=ROOT).returncode == 0


def test_ci_run_is_ci():
    """Where CI is unset, a browser test may be skipped."""
    assert "\nexport CI=true" in (ROOT / ".ci" / "run").read_text()
