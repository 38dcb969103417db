"""Hostile and broken submissions: none earns more than its honest part, none reaches outside, and
whoever comes next is graded as if nothing had been."""

import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from course_utils.grading import referee, release

ENTRIES = tomllib.loads((Path(__file__).parent / "hostile.toml").read_text(encoding="utf-8"))
CONTENT = "honest content"
PRELUDE = """
import torch
def right(logits, temperature):
    if temperature <= 0:
        raise ValueError("temperature")
    return torch.softmax(logits / temperature, dim=-1)
def wrong(logits, temperature):
    return logits * 0
reached = False
"""
ESCAPES = {"\\u043e": "\u043e", "\\u202e": "\u202e", "\\u2066": "\u2066", "\\u0000": "\0"}


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """A file, a server and a process that no submission may reach."""
    file = tmp_path_factory.mktemp("outside") / "canary"
    file.write_text(CONTENT)
    file.chmod(0o666)
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        try:
            yield file, server, process
        finally:
            process.kill()
            process.communicate()


def _source(entry: dict, outside) -> str:
    file, server, process = outside
    values = {
        "@CANARY@": str(file),
        "@PORT@": str(server.getsockname()[1]),
        "@PID@": str(process.pid),
        "@REPO@": str(release.NOTEBOOKS.parent),
        "@LONG@": "# " + "x" * 10**6,
        **ESCAPES,
    }
    body = entry["cell"].strip("\n")
    for name, value in values.items():
        body = body.replace(name, value)
    if body.startswith("%%"):
        return body
    body = body.replace("\\\\x", "\\x")
    end = "" if entry.get("own") else "softmax = right if reached else wrong\n"
    return f"{PRELUDE}\n{body}\n{end}"


def _points(sandbox, graded, cells) -> dict[str, int]:
    exercises, _ = referee.grade(sandbox, graded, cells, {e.id: 5 for e in graded.exercises})
    return {exercise["id"]: exercise["points"] for exercise in exercises}


@pytest.mark.parametrize("name", ENTRIES)
def test_earns_its_honest_part_and_no_more(name, sandbox, sampling, solutions, outside):
    entry = ENTRIES[name]
    cells = {"softmax": _source(entry, outside), "top-k": solutions["top-k"]}
    points = _points(sandbox, sampling, cells)
    assert points["sampling.softmax"] == entry.get("earns", 0)
    assert entry.get("spoils") or points["sampling.top_k"] == 3
    file, server, process = outside
    assert file.read_text() == CONTENT
    assert process.poll() is None
    server.settimeout(0)
    with pytest.raises(BlockingIOError):
        server.accept()


def test_the_right_answers_after_all_of_them_earn_full_points(sandbox, sampling, solutions):
    points = _points(sandbox, sampling, solutions)
    assert points == {exercise.id: exercise.points for exercise in sampling.exercises}


def test_nothing_is_left_running(sandbox):
    """All that the sandbox ever started is its launcher and its keeper."""
    alive = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    parents = {pid: _parent(pid) for pid in alive}
    family = {sandbox._process.pid}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    assert len(family) == 2


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def test_there_is_an_entry_of_each_kind():
    assert len(ENTRIES) >= 40
