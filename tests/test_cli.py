import subprocess
import sys
import types

import pytest

from course_utils import __version__, cli

COMMANDS = ["lab", "check", "doctor", "build", "rebuild", "snapshot"]
COMMANDS += ["release", "grade", "regrade", "export", "report"]


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "course_utils.cli", *arguments], capture_output=True, text=True
    )


def replace(monkeypatch, name: str, **functions) -> None:
    """Put a stand-in with ``functions`` in the place of the module ``course_utils.name``."""
    module = types.ModuleType(f"course_utils.{name}")
    vars(module).update(functions)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    package, _, attribute = module.__name__.rpartition(".")
    if package in sys.modules:
        monkeypatch.setattr(sys.modules[package], attribute, module, raising=False)


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    help_text = capsys.readouterr().out
    assert all(f"\n    {command} " in help_text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command, capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    assert f"usage: course {command}" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"course {__version__}\n"


def test_help_is_light():
    program = (
        "import sys\nfrom course_utils import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'transformers', 'jupyterlab', 'nbgrader'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["grade"],
        ["check"],
        ["check", "--list", "my_work/00_sampling.ipynb"],
        ["lab", "--port", "no"],
        ["lab", "--port", "65536"],
        ["grade", "submissions", "--workers", "0"],
        ["grade", "submissions", "--replay", "result.json"],
        ["export", "results", "--to", "paper"],
    ],
)
def test_wrong_usage_is_told_without_a_traceback(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert "error:" in capsys.readouterr().err


def test_lab_passes_its_options(monkeypatch):
    calls = []
    replace(monkeypatch, "lab", open_lab=lambda *given: calls.append(given), LabError=RuntimeError)
    assert cli.main(["lab"]) == 0
    assert cli.main(["lab", "--fresh", "02", "--port", "8899", "--no-browser"]) == 0
    assert calls == [(None, None, True), ("02", 8899, False)]


def test_build_passes_names_and_returns_the_status(monkeypatch):
    calls = []

    def build(names, check_only):
        calls.append((names, check_only))
        return 3

    replace(monkeypatch, "authoring", build=build)
    assert cli.main(["build", "00", "02"]) == 3
    assert cli.main(["build", "--check"]) == 3
    assert calls == [(["00", "02"], False), ([], True)]


def test_rebuild_says_what(monkeypatch):
    replace(monkeypatch, "authoring", rebuild=lambda what: 4 if what else 5)
    assert cli.main(["rebuild", "--what"]) == 4
    assert cli.main(["rebuild"]) == 5


def test_check_lists_or_checks(monkeypatch):
    replace(monkeypatch, "checks")
    replace(
        monkeypatch,
        "checks.shell",
        list_exercises=lambda: 0,
        check_notebook=lambda path: 1 if path == "a.ipynb" else 2,
    )
    assert cli.main(["check", "--list"]) == 0
    assert cli.main(["check", "a.ipynb"]) == 1


def test_instructors_mistakes_are_told_in_a_sentence(tmp_path, capsys):
    for arguments, sentence in (
        (["grade", str(tmp_path / "none")], "There is no folder"),
        (["grade", str(tmp_path), "--assignment", "99"], "no graded notebook 99"),
        (["grade", str(tmp_path), "--bank", str(tmp_path)], "is no bank"),
        (["export", str(tmp_path), "--to", "csv"], "holds no results"),
        (["report", str(tmp_path)], "holds no results"),
        (["regrade", str(tmp_path)], "holds no results"),
        (["release", "99", "--out", str(tmp_path / "new")], "no graded notebook 99"),
    ):
        assert cli.main(arguments) == 1
        assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_ctrl_c_exits_130_without_a_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    replace(monkeypatch, "doctor", report=interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "\n"


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch, capsys):
    def build(names, check_only):
        import a_package_that_is_not_there  # noqa: F401

    replace(monkeypatch, "authoring", build=build)
    assert cli.main(["build"]) == 1
    error = capsys.readouterr().err
    assert "'a_package_that_is_not_there' is missing" in error
    assert 'pip install -e ".[author]" -c constraints.txt' in error


def test_a_fault_of_the_package_itself_is_not_hidden(monkeypatch):
    def build(names, check_only):
        import course_utils.not_there  # noqa: F401

    replace(monkeypatch, "authoring", build=build)
    with pytest.raises(ModuleNotFoundError):
        cli.main(["build"])


def test_the_module_runs_as_a_program():
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"course {__version__}\n")
