"""The sandbox from outside: start it, hand it cells and cases, get plain data back."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from course_utils.grading.inside import seccomp, wire
from course_utils.grading.inside.wire import CELL, COURSE

WAY_OUT = (
    "grade on a Linux machine that has them, in WSL2, or in a container started with --privileged; "
    "--unsafe grades without walls, on submissions that you trust."
)
START_SECONDS = 900
GRACE_SECONDS = 60  # for the warden itself, beyond the time that it gives a cell
LONGEST_SOURCE = 60_000  # bytes as they are sent; a pipe holds 65,536


class SandboxUnavailable(Exception):
    """There is no sandbox on this machine; the message is one sentence."""


class SandboxLost(Exception):
    """The sandbox died or fell silent and has to be started again."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Bytes, seconds, processes with their threads."""

    cell_seconds: float = 60
    exercise_seconds: float = 20  # of the answer's own time, all cases of an exercise together
    slack_seconds: float = 20  # for the probe around it
    submission_seconds: float = 600
    cpu_seconds: int = 600
    memory_bytes: int = 3 * 2**30
    tmp_bytes: int = 64 * 2**20
    file_bytes: int = 32 * 2**20
    processes: int = 64


@dataclass(frozen=True)
class Reply:
    """What came of a request.

    ``value`` is what the cell sent, None if nothing. ``ended`` is "" if the cell came to its end,
    else "time", "memory", "died", "protocol" or "gone".
    """

    value: object
    ended: str


class Sandbox:
    """A warm interpreter behind walls, for one submission after the other.

    ``build`` fills an empty folder with the package that the sandbox sees; ``setup`` are the cells
    that every submission begins with; ``cases`` are those of the exercises to come, (kind of
    answer, probe), to warm it up with. Use it as a context.
    Raises SandboxUnavailable where there are no namespaces.
    """

    def __init__(
        self,
        build: Callable[[Path], None],
        limits: Limits | None = None,
        unsafe: bool = False,
        cases: Iterable[tuple[str, str]] = (),
        setup: Iterable[str] = (),
    ):
        self.limits, self.unsafe, self._build = limits or Limits(), unsafe, build
        self._cases, self._setup = sorted(set(cases)), list(setup)
        self.versions: dict[str, str] = {}
        self._process: subprocess.Popen | None = None

    def __enter__(self) -> Sandbox:
        require(self.unsafe)
        self._folder = Path(tempfile.mkdtemp(prefix="course-sandbox-"))
        try:
            self._folder.chmod(0o755)
            (self._folder / "root").mkdir()
            (self._folder / "room").mkdir()
            self._build(self._folder / "room")
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        self._reader = wire.Reader(self._process.stdout.fileno(), wire.LONGEST + 1)
        try:
            word = self._word(START_SECONDS)
        except SandboxLost:
            self._process.wait(START_SECONDS)
            text = self._process.stderr.read().decode(errors="replace").strip()
            raise RuntimeError(f"The sandbox did not start:\n{text}") from None
        if "failed" in word:
            raise RuntimeError(f"The sandbox did not start:\n{word['failed']}")
        self.versions = word["ready"]

    def _command(self) -> list[str]:
        room = str(self._folder / "room")
        python = [sys.executable, "-I", "-B", "-c"]
        keeper = "from course_utils.grading.inside import keeper; keeper.main"
        if self.unsafe:
            call = f"{keeper}(0, {self._setup}, {self._cases})"
            return [*python, f"{_first_on_path(room)}; {call}"]
        call = f"{keeper}({os.getpid()}, {self._setup}, {self._cases})"
        command = [*python, f"{_first_on_path(COURSE)}; {call}"]
        return _launcher(self._folder, room, command)

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()

    def _send(self, **words) -> None:
        try:
            wire.send(self._process.stdin.fileno(), wire.dumps(words))
        except wire.Closed as error:
            raise SandboxLost("the sandbox is gone") from error

    def _frame(self, seconds: float) -> bytes:
        try:
            return self._reader.frame(seconds)
        except wire.WireError as error:
            raise SandboxLost(str(error)) from error

    def _word(self, seconds: float) -> dict:
        """The next message, which has to be the keeper's or the warden's own."""
        frame = self._frame(seconds)
        if frame[:1] == CELL:
            raise SandboxLost("a message of a cell out of turn")
        return wire.loads(frame[1:])

    @contextlib.contextmanager
    def submission(self) -> Iterator[Visit]:
        """A fresh fork of the warm interpreter; all of it is gone at the end.

        Raises SandboxLost, after which ``submission`` starts the sandbox anew.
        """
        if self._process is None:
            self._start()
        try:
            self._send(limits=asdict(self.limits))
            word = self._word(GRACE_SECONDS)
            if "failed" in word:
                raise SandboxUnavailable(f"No sandbox here ({word['failed']}): {WAY_OUT}")
            yield Visit(self)
            self._send(do="end")
            self._word(GRACE_SECONDS)
        except BaseException:
            self._stop()
            raise


class Visit:
    """One submission in the sandbox. Every method asks once and waits for what comes of it."""

    def __init__(self, sandbox: Sandbox):
        self._sandbox = sandbox

    def begin(self) -> None:
        """A clean interpreter: what ran before is killed."""
        self._ask(GRACE_SECONDS, do="begin")

    def cell(self, source: str, forget: tuple[str, ...] = (), limit: float = math.inf) -> Reply:
        """Run a cell, after forgetting some names."""
        if len(wire.dumps(source)) > LONGEST_SOURCE:
            return Reply(None, "length")
        seconds = min(limit, self._sandbox.limits.cell_seconds)
        return self._ask(seconds, do="cell", source=source, forget=list(forget))

    def define(self, name: str, source: str, attribute: str) -> Reply:
        """Bind a name to an attribute of a module with this source."""
        seconds = self._sandbox.limits.cell_seconds
        return self._ask(seconds, do="define", name=name, source=source, attribute=attribute)

    def case(self, probe: str, kind: str, answer: str, seed: int, limit: float) -> Reply:
        """Probe the answer in a fork; the value is the observation, {} if there is no answer."""
        seconds = limit + self._sandbox.limits.slack_seconds
        return self._ask(
            seconds, do="case", probe=probe, kind=kind, answer=answer, seed=seed, limit=limit
        )

    def _ask(self, seconds: float, **words) -> Reply:
        self._sandbox._send(**words, seconds=seconds)
        value, ended = None, ""
        while True:
            frame = self._sandbox._frame(seconds + GRACE_SECONDS)
            if frame[:1] != CELL:
                word = wire.loads(frame[1:])
                if "ended" not in word:
                    raise SandboxLost(str(word.get("failed", "an unknown message")))
                return Reply(value, ended or word["ended"] or "")
            try:
                value = wire.loads(frame[1:])
            except wire.WireError:
                ended = "protocol"


def require(unsafe: bool = False) -> None:
    """Raises SandboxUnavailable where there are no namespaces; ``unsafe`` needs none."""
    if not hasattr(os, "fork"):
        raise SandboxUnavailable("There is no fork() on this system: " + WAY_OUT)
    if unsafe:
        return
    if not (sys.platform == "linux" and seccomp.known()):
        raise SandboxUnavailable("The sandbox needs Linux on x86-64 or ARM64: " + WAY_OUT)
    with tempfile.TemporaryDirectory(prefix="course-sandbox-") as folder:
        Path(folder, "root").mkdir()
        room = str(Path(__file__).parents[2])
        command = _launcher(Path(folder), room, [sys.executable, "-I", "-S", "-c", ""])
        tried = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if tried.returncode:
        text = " ".join(tried.stderr.split())[-200:]
        raise SandboxUnavailable(f"No sandbox here ({text}): {WAY_OUT}")


def _launcher(folder: Path, room: str, command: list[str]) -> list[str]:
    """The command that runs another one behind walls."""
    masked = [str(Path(sysconfig.get_path(k), "course_utils")) for k in ("purelib", "platlib")]
    arguments = json.dumps([str(folder / "root"), room, masked, command])
    launch = _LAUNCHER.format(path=_first_on_path(room))
    return [sys.executable, "-I", "-B", "-c", launch, arguments]


def _first_on_path(folder: str) -> str:
    return f"import sys; sys.path.insert(0, {folder!r})"


_LAUNCHER = """{path}
import json
from course_utils.grading.inside import jail
try:
    jail.launch(*json.loads(sys.argv[1]))
except OSError as error:
    print(error.strerror or error, file=sys.stderr)
    sys.exit(1)
"""
