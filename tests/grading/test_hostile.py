"""Hostile and broken submissions: none earns more than its honest part, none reaches outside, and
whoever comes next is graded as if nothing had been."""

import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from course_utils.checks import bank
from course_utils.grading import referee, release

ENTRIES = tomllib.loads((Path(__file__).parent / "hostile.toml").read_text(encoding="utf-8"))
CONTENT = "honest content"
WITNESSES = {
    "00_sampling": "sampling.top_k",
    "02_kv_cache": "kv_cache.cache_bytes",
    "03_logit_lens": "logit_lens.first_block",
}
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


def _exercise(name: str) -> bank.Exercise:
    return bank.find(ENTRIES[name].get("on", "sampling.softmax"))


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


def _source(entry: dict, solution: str, outside) -> str:
    file, server, process = outside
    values = {
        "@CANARY@": str(file),
        "@PORT@": str(server.getsockname()[1]),
        "@PID@": str(process.pid),
        "@REPO@": str(release.NOTEBOOKS.parent),
        "@LONG@": "# " + "x" * 10**6,
        "@SOLUTION@": solution,
        **ESCAPES,
    }
    body = entry["cell"].strip("\n")
    for name, value in values.items():
        body = body.replace(name, value)
    if body.startswith("%%") or "on" in entry:
        return body
    body = body.replace("\\\\x", "\\x")
    end = "" if entry.get("own") else "softmax = right if reached else wrong\n"
    return f"{PRELUDE}\n{body}\n{end}"


def _points(room, cells) -> dict[str, int]:
    seeds = {exercise.id: 5 for exercise in room.release.exercises}
    exercises, _ = referee.grade(room.sandbox, room.release, cells, seeds)
    return {exercise["id"]: exercise["points"] for exercise in exercises}


@pytest.mark.parametrize("name", sorted(ENTRIES, key=lambda name: _exercise(name).notebook))
def test_earns_its_honest_part_and_no_more(name, rooms, outside):
    """Beside it stands the right answer to another exercise, its witness."""
    entry, exercise = ENTRIES[name], _exercise(name)
    room, witness = rooms(exercise.notebook), bank.find(WITNESSES[exercise.notebook])
    source = _source(entry, room.solutions[exercise.cell], outside)
    cells = {exercise.cell: source, witness.cell: room.solutions[witness.cell]}
    points = _points(room, cells)
    assert points[exercise.id] == entry.get("earns", 0)
    assert entry.get("spoils") or points[witness.id] == witness.points
    file, server, process = outside
    assert file.read_text() == CONTENT
    assert process.poll() is None
    server.settimeout(0)
    with pytest.raises(BlockingIOError):
        server.accept()


@pytest.mark.parametrize("notebook", WITNESSES)
def test_the_right_answers_after_all_of_them_earn_full_points(notebook, rooms):
    room = rooms(notebook)
    points = _points(room, room.solutions)
    assert points == {exercise.id: exercise.points for exercise in room.release.exercises}


@pytest.mark.parametrize("notebook", WITNESSES)
def test_nothing_is_left_running(notebook, rooms):
    """All that the sandbox ever started is its launcher and its keeper."""
    alive = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    parents = {pid: _parent(pid) for pid in alive}
    family = {rooms(notebook).sandbox._process.pid}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    assert len(family) == 2


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def test_there_are_entries_enough_on_several_exercises():
    assert len(ENTRIES) >= 40
    assert len({_exercise(name).id for name in ENTRIES}) >= 4
