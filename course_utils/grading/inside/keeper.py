"""The keeper: a warm interpreter inside the sandbox, forked once for each submission.

Three kinds of processes, and only the last ever runs a submission's code:

- the *keeper* loads torch, transformers, IPython and the probes, then waits;
- a *warden*, one per submission, is the first process of a pid namespace. It passes requests on
  to the cell, watches time and memory, and kills everything in its namespace;
- a *cell* runs the code. Each case is probed in a fork of it.

Every message from the warden is its own plain data, or the frame that a cell wrote. A cell begins
its frames with the token of the request, which code that merely writes to descriptors does not
know, and with the process that goes on as the cell; all others are ended before the next request.
"""

from __future__ import annotations

import contextlib
import gc
import os
import platform
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from types import ModuleType, SimpleNamespace
from typing import NamedTuple

from course_utils.grading.inside import alarm, jail, pages, wire
from course_utils.grading.inside.seal import seal
from course_utils.grading.inside.wire import CELL, WARDEN

PAUSE = 0.05  # seconds between two looks at the memory
PID_DIGITS = 8


class Warm(NamedTuple):
    """What each submission begins with. Nothing that a submission can name leads to it."""

    shell: object
    broken: Callable[[], str]
    arm: Callable


def main(seat: int, setup: list[str], cases: list[tuple[str, str]]) -> None:
    """Load everything, say so, then grade what comes until the pipe closes.

    ``seat`` tells sandboxes that run at the same time apart; 0 for one without walls. ``setup`` are
    the cells that every submission begins with. ``cases`` are (kind of answer, probe): each is run
    once on an answer that does nothing, so that what torch loads at its first use is loaded here
    and not in every fork.
    """
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    try:
        shell = _warm()
        for source in setup:
            if error := _run(shell, source)["error"]:
                raise RuntimeError(f"a setup cell fails: {error}")
        for kind, probe in cases:
            _rehearse(kind, probe)
        warm = Warm(shell, seal(), alarm.install(_course()))
    except Exception:
        wire.send(answers, WARDEN + wire.dumps({"failed": traceback.format_exc()}))
        return
    gc.collect()
    gc.freeze()
    pages.enlarge()
    wire.send(answers, WARDEN + wire.dumps({"ready": _versions()}))
    while True:
        try:
            request = wire.loads(wire.Reader(requests).frame())
        except wire.Closed:
            return
        keeper = os.fork()
        if keeper == 0:
            _submission(warm, requests, answers, seat, request["limits"])
            os._exit(0)
        _, status = os.waitpid(keeper, 0)
        wire.send(answers, WARDEN + wire.dumps({"over": os.waitstatus_to_exitcode(status)}))


def _warm():
    """An IPython without a terminal or a history; all that a notebook or a probe imports."""
    import importlib
    import pkgutil

    import matplotlib.pyplot  # noqa: F401
    import matplotlib_inline.backend_inline  # noqa: F401
    import torch
    import transformers  # noqa: F401
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from course_utils.checks import probes

    torch.set_num_threads(1)
    for module in pkgutil.iter_modules(probes.__path__):
        importlib.import_module(f"{probes.__name__}.{module.name}")
    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    shell = InteractiveShell.instance(config=config)
    shell.system = shell.system_raw
    shell.enable_gui = lambda gui=None: None
    shell.showtraceback = shell.showsyntaxerror = lambda *args, **kwargs: None
    shell.run_cell("import math", store_history=False, silent=True)  # IPython loads much then
    return shell


def _rehearse(kind: str, probe: str) -> None:
    from course_utils.checks import probes

    answer = type("Nothing", (), {}) if kind == "class" else lambda *args, **kwargs: None
    probes.observe(SimpleNamespace(kind=kind), SimpleNamespace(probe=probe), answer, 0, 20.0)


def _course() -> str:
    import course_utils

    return os.path.dirname(course_utils.__file__)


def _versions() -> dict[str, str]:
    import torch
    import transformers

    import course_utils

    return {
        "course": course_utils.__version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "transformers": transformers.__version__,
    }


def _submission(warm: Warm, requests, answers, seat: int, limits: dict) -> None:
    """In a fork of the keeper: the warden, in namespaces of its own, and the wait for its end."""
    proc = None
    try:
        if seat:
            jail.unshare(jail.NEW_PID | jail.NEW_NS | jail.NEW_IPC)
            warden = os.fork()
            if warden:
                os.close(requests)
                _, status = os.waitpid(warden, 0)
                os._exit(os.waitstatus_to_exitcode(status) & 255)
            proc = jail.confine(seat, limits["tmp_bytes"])
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        wire.send(answers, WARDEN + wire.dumps({"begun": True}))
        Warden(warm, requests, answers, proc, SimpleNamespace(**limits)).work()
    except wire.Closed:
        pass
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"
        wire.send(answers, WARDEN + wire.dumps({"failed": text}))
    finally:
        os._exit(0)


class Warden:
    """Passes the referee's requests to the cell; runs no code of the submission itself."""

    def __init__(self, warm: Warm, requests: int, answers: int, proc: int | None, limits):
        self.warm, self.answers, self.proc, self.limits = warm, answers, proc, limits
        self.requests = wire.Reader(requests)
        self.cell = 0
        self.base = self._resident("self") if proc is not None else 0

    def work(self) -> None:
        """Answer requests until one says that the submission is over."""
        while True:
            request = wire.loads(self.requests.frame())
            if request["do"] == "end":
                self._kill()
                return
            if request["do"] == "begin":
                self._begin()
            else:
                self._pass_on(request)

    def _say(self, **words) -> None:
        wire.send(self.answers, WARDEN + wire.dumps(words))

    def _begin(self) -> None:
        """A new cell, forked from this clean process; all that ran before is killed."""
        self._kill()
        _empty("/tmp" if self.proc is not None else "")
        ask_read, ask_write = os.pipe()
        tell_read, tell_write = os.pipe()
        space = self._address_space() + self.limits.memory_bytes
        self.cell = os.fork()
        if self.cell == 0:
            for descriptor in (self.requests.descriptor, self.answers, ask_write, tell_read):
                os.close(descriptor)
            if self.proc is None:
                os.setsid()
            else:
                os.close(self.proc)
                jail.prctl(jail.PR_SET_DUMPABLE, 1)  # the warden looks at its memory
                jail.limit(
                    space,
                    self.limits.processes,
                    self.limits.cpu_seconds,
                    self.limits.file_bytes,
                )
            try:
                _cell(self.warm, ask_read, tell_write, self.proc is not None)
            finally:
                os._exit(1)
        os.close(ask_read)
        os.close(tell_write)
        self.ask, self.tell = ask_write, wire.Reader(tell_read)
        os.set_blocking(ask_write, False)  # a cell that does not read must not stop the warden
        self._say(ended=None)

    def _pass_on(self, request: dict) -> None:
        """One request: frames of the cell go to the referee until the warden says how it ended."""
        if not self.cell:
            return self._say(ended="gone")
        end, token = time.monotonic() + request["seconds"], os.urandom(16).hex()
        try:
            self._end_others()
            wire.send(self.ask, wire.dumps(request | {"token": token}))
            told = False
            while not (ended := self._trouble(end)):
                frame = self.tell.poll(PAUSE)
                if frame == b"":  # the cell's own last word
                    return self._say(ended=None)
                if frame is not None:
                    if told or not frame.startswith(token.encode()):
                        raise wire.WireError("a frame that nobody asked for")
                    value = frame[len(token) + PID_DIGITS :]
                    self._follow(frame[len(token) : -len(value)], request["do"])
                    wire.send(self.answers, CELL + value)
                    told = True
        except wire.Closed:
            ended = "died"
        except wire.WireError:
            ended = "protocol"
        self._kill()
        return self._say(ended=ended)

    def _trouble(self, end: float) -> str:
        if time.monotonic() > end:
            return "time"
        if self.proc is not None and self._holds_too_much():
            return "memory"
        return "died" if self._is_dead() else ""

    def _is_dead(self) -> bool:
        """Whether the cell is gone. Orphans that end are reaped on the way."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == self.cell:
                return True
            if pid == 0:
                return False

    def _kill(self) -> None:
        """End every process of the submission: the kernel signals all at once."""
        if not self.cell:
            return
        self.cell, pid = 0, self.cell
        os.close(self.ask)
        os.close(self.tell.descriptor)
        try:
            os.kill(-1, signal.SIGKILL) if self.proc is not None else os.killpg(pid, signal.SIGKILL)
            while True:
                os.waitpid(-1, 0)
        except (ProcessLookupError, ChildProcessError):
            return

    def _others(self) -> list[str]:
        """The processes of the submission; the warden is the first."""
        return [name for name in os.listdir(self.proc) if name.isdecimal() and name != "1"]

    def _follow(self, pid: bytes, what: str) -> None:
        """A cell that has run goes on in another process."""
        if what != "cell" or self.proc is None:
            return
        if pid.lstrip(b"0").decode("ascii", "replace") not in self._others():
            raise wire.WireError("a cell that is not there")
        self.cell = int(pid)

    def _end_others(self) -> None:
        """What earlier requests left running has no part in the next one."""
        end = time.monotonic() + 1
        while self.proc is not None and time.monotonic() < end:
            others = [int(pid) for pid in self._others() if int(pid) != self.cell]
            if not others or self._is_dead():
                return
            for pid in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.001)

    def _holds_too_much(self) -> bool:
        """Whether the submission's processes hold more than they may beyond what one begins with.

        Pages that processes share are counted once, but only where that makes a difference.
        """
        pids, most = self._others(), self.limits.memory_bytes + self.base
        return sum(map(self._resident, pids)) > most and sum(map(self._share, pids)) > most

    def _resident(self, pid: str) -> int:
        """Bytes of a process's own memory, shared memory included, files not."""
        return self._sum(f"{pid}/status", ("RssAnon", "RssShmem"))

    def _share(self, pid: str) -> int:
        """The same, with a page of n processes as an nth; all of it where the process hides it."""
        return self._sum(f"{pid}/smaps_rollup", ("Pss_Anon", "Pss_Shmem")) or self._resident(pid)

    def _sum(self, name: str, fields: tuple[str, ...]) -> int:
        try:
            text = self._file(name)
        except OSError:
            return 0
        lines = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return 1024 * sum(int(lines.get(field, "0").split()[0]) for field in fields)

    def _address_space(self) -> int:
        if self.proc is None:
            return 0
        return int(self._file("self/statm").split()[0]) * os.sysconf("SC_PAGE_SIZE")

    def _file(self, name: str) -> str:
        with open(os.open(name, os.O_RDONLY, dir_fd=self.proc)) as file:
            return file.read()


def _empty(folder: str) -> None:
    try:
        for entry in os.scandir(folder) if folder else ():
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
    except (OSError, RecursionError):
        pass  # what is left counts against the space of the submission's own folder


def _cell(warm: Warm, ask: int, tell: int, confined: bool) -> None:
    """Run what is asked for, in this process: code of the submission. Never returns."""
    shell, broken, arm = warm
    reader, send = wire.Reader(ask), wire.send
    actions = {"cell": _run_cell, "define": _define, "case": _probe_in_fork}
    while True:
        try:
            request = wire.loads(reader.frame())
            head = f"{request.pop('token')}{{:0{PID_DIGITS}}}".format

            def answer(value: dict, head=head) -> None:
                send(tell, head(os.getpid()).encode() + wire.dumps(value))

            arm(lambda event, answer=answer: answer({"tampered": event}))
            if request["do"] == "case" and (name := broken()):
                answer({"tampered": name})
            else:
                actions[request["do"]](shell, broken, request, answer, confined)
            send(tell, b"")
        except wire.Closed:
            os._exit(0)


def _run_cell(shell, broken, request: dict, answer, confined: bool) -> None:
    """Go on in a fork: threads that the cell began stay behind, and the warden ends them."""
    value = _run(shell, request["source"], request["forget"])
    if confined and os.fork():
        while True:
            time.sleep(1000)
    answer(value)


def _run(shell, source: str, forget: Iterable[str] = ()) -> dict:
    """Run a cell in IPython; ``error`` names what it raised, "" if nothing."""
    from course_utils.checks.probes import guard

    for name in forget:
        shell.user_ns.pop(name, None)
    with guard.captured_output() as printed:
        result = shell.run_cell(source, store_history=False, silent=True)
    error = result.error_before_exec or result.error_in_exec
    text = "" if error is None else f"{type(error).__name__}: {guard._text(error)}"
    return {"error": text[:500], "printed": printed.text}


def _define(shell, broken, request: dict, answer, confined: bool) -> None:
    """Bind the course's version of an answer that is graded already, for those that follow."""
    module = ModuleType(f"course_utils.supplied_{request['name']}")
    module.__package__ = "course_utils"
    sys.modules[module.__name__] = module
    try:
        exec(compile(request["source"], "<the course>", "exec"), module.__dict__)
        shell.user_ns[request["name"]] = getattr(module, request["attribute"])
    except Exception as error:
        return answer({"error": f"{type(error).__name__}: {error}"})
    answer({"error": ""})


def _probe_in_fork(shell, broken, request: dict, answer, confined: bool) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a cell may have left another handler
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        observation = _probe(shell, request)
        name = broken()
        answer({"tampered": name} if name else observation)
    finally:
        os._exit(0)


def _probe(shell, request: dict) -> dict:
    """What the answer does in one case; an empty dict if there is no answer."""
    from course_utils.checks import probes

    if request["answer"] not in shell.user_ns:
        return {}
    exercise, case = SimpleNamespace(kind=request["kind"]), SimpleNamespace(probe=request["probe"])
    answer = shell.user_ns[request["answer"]]
    return probes.observe(exercise, case, answer, request["seed"], request["limit"])
