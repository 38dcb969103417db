"""Calling code that may do anything: raise, loop, print, change its inputs or the random state."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import io
import linecache
import random
import re
import signal
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

PRINTED_CHARACTERS = 600
TEXT_CHARACTERS = 300
ITEMS = 100_000
FIRE_AGAIN = 0.05  # seconds, for code that catches everything


class TimeLimit(BaseException):
    """The answer ran for too long."""


def wrong_kind(kind: str, answer: object) -> dict | None:
    """The outcome for an answer that is no function or no class; None where it is one."""
    is_class = isinstance(answer, type)
    right = {"function": callable(answer) and not is_class, "class": is_class}.get(kind, True)
    if right:
        return None
    seen = f"the class {answer.__name__}" if is_class else describe(answer)
    return {"outcome": "wrong-kind", "seen": seen}


def attempt(function: Callable, /, *args, **kwargs) -> dict:
    """The outcome of one call, as plain values.

    ``outcome`` is one of

    - "returned", with ``value`` (see ``plain``) and ``mutated``: whether a tensor among the
      arguments was changed;
    - "raised", with ``error`` (the class's name), ``text``, ``line`` (the last line of the
      student's own code, "" if unknown) and ``number`` (of that line);
    - "signature": it cannot be called with these arguments; ``text`` says why;
    - "timeout".
    """
    if _watch and _watch.expired:
        return {"outcome": "timeout"}
    misfit = _misfit(function, args, kwargs)
    if misfit:
        return {"outcome": "signature", "text": misfit}
    tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
    before = [tensor.clone() for tensor in tensors]
    try:
        with _watch.running() if _watch else contextlib.nullcontext():
            outcome = {"outcome": "returned", "value": _enter(function, args, kwargs)}
    except TimeLimit:
        outcome = {"outcome": "timeout"}
    except BaseException as error:
        if type(error) is KeyboardInterrupt and (_watch is None or _watch.interrupted):
            raise
        outcome = _raised(error)
    if _watch and _watch.expired:
        return {"outcome": "timeout"}
    outcome["mutated"] = any(map(_differ, tensors, before))
    return outcome


def _enter(function: Callable, args: tuple, kwargs: dict) -> object:
    return plain(function(*args, **kwargs))


def _differ(one: Tensor, other: Tensor) -> bool:
    return one.device.type != "meta" and not torch.equal(one, other)


def _misfit(function: Callable, args: tuple, kwargs: dict) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        name = getattr(function, "__name__", type(function).__name__)
        return f"{name}{_cut(str(signature))}: {error}"
    return ""


def _raised(error: BaseException) -> dict:
    line, number = _own_line(error)
    return {
        "outcome": "raised",
        "error": type(error).__name__,
        "text": _cut(_text(error)),
        "line": line,
        "number": number,
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _own_line(error: BaseException) -> tuple[str, int]:
    """The last line of the traceback in code that is neither the course's nor a library's."""
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        ours = file.startswith((str(Path(__file__).parents[2]), "<frozen"))
        if not ours and not any(file.startswith(folder) for folder in libraries):
            return linecache.getline(file, number, frame.f_globals).strip(), number
    return "", 0


def plain(value: object, depth: int = 4) -> object:
    """The value as plain data: tensors, numbers, strings, lists, dicts.

    A tensor becomes a detached copy on the CPU, a tuple a list. Anything else becomes
    ``{"type": its class's name, "text": ...}``; so does a tensor without data.
    """
    if isinstance(value, Tensor):
        return _plain_tensor(value)
    if value is None or type(value) in (bool, int, float):
        return value
    if isinstance(value, str):
        return str.__str__(value)[:ITEMS]
    if depth and isinstance(value, list | tuple) and len(value) <= ITEMS:
        return [plain(item, depth - 1) for item in value]
    if depth and type(value) is dict and len(value) <= ITEMS:
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    return {"type": type(value).__name__, "text": describe(value)}


def _plain_tensor(value: Tensor) -> Tensor | dict:
    with torch._C.DisableTorchFunctionSubclass():
        if value.device.type == "meta":
            return {"type": "Tensor", "text": "a tensor without data", "device": "meta"}
        copy = Tensor.detach(value).as_subclass(Tensor)
        return Tensor.clone(Tensor.to_dense(copy) if copy.is_sparse else copy).cpu()


def describe(value: object) -> str:
    """A value in a few words, without memory addresses."""
    if value is None:
        return "None"
    if inspect.isgenerator(value) or inspect.iscoroutine(value):
        value.close()
        return f"a {type(value).__name__} (is there a yield or an async in the function?)"
    article = "an" if type(value).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}"


def _cut(text: str) -> str:
    text = re.sub(r"0x[0-9a-fA-F]+", "0x…", text)
    return text if len(text) <= TEXT_CHARACTERS else text[:TEXT_CHARACTERS] + " …"


class BoundedText(io.TextIOBase):
    """A text stream that keeps its first characters."""

    def __init__(self, limit: int = PRINTED_CHARACTERS):
        self.text, self._limit, self._full = "", limit, False

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not self._full:
            self._full = len(self.text) + len(text) > self._limit
            self.text = (self.text + text)[: self._limit] + " … (cut)" * self._full
        return len(text)


@contextlib.contextmanager
def captured_output() -> Iterator[BoundedText]:
    """What is printed meanwhile, on both streams; warnings are silenced."""
    stream = BoundedText()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield stream


@contextlib.contextmanager
def restored_state(seed: int) -> Iterator[None]:
    """Seed the global random states, and put them and torch's modes back at the end."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    dtype, device, gradients = (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
    )
    recursion = sys.getrecursionlimit()
    scramble(seed)
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        sys.setrecursionlimit(recursion)


def scramble(seed: int) -> None:
    """Set every global random state to something that has nothing to do with small seeds."""
    number = (seed * 7919 + 104_729) % 2**31
    torch.random.default_generator.manual_seed(number)
    np.random.seed(number)
    random.seed(number)


def random_state() -> tuple:
    """The global random states of torch, numpy and Python, to compare."""
    _, numbers, place, *_ = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), numbers.tobytes(), place, random.getstate()


class Watch:
    """Counts the seconds of the student's calls; when they are over it raises TimeLimit in the
    running call, and again and again if the call catches it."""

    def __init__(self, seconds: float):
        self.left = seconds
        self.expired = False
        self.interrupted = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        can_signal = hasattr(signal, "SIGALRM") and (
            threading.current_thread() is threading.main_thread()
        )
        start = time.monotonic()
        with self._by_signal() if can_signal else self._by_thread():
            try:
                yield
            finally:
                self.left = max(1e-3, self.left - (time.monotonic() - start))

    @contextlib.contextmanager
    def _by_signal(self) -> Iterator[None]:
        def on_alarm(signum, frame):
            self.expired = True
            if _inside_call(frame):
                raise TimeLimit

        def on_interrupt(signum, frame):
            self.interrupted = True
            previous_interrupt(signum, frame)

        previous_alarm = signal.signal(signal.SIGALRM, on_alarm)
        previous_interrupt = signal.getsignal(signal.SIGINT)
        if callable(previous_interrupt):
            signal.signal(signal.SIGINT, on_interrupt)
        previous_timer = signal.setitimer(signal.ITIMER_REAL, self.left, FIRE_AGAIN)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, *previous_timer)
            signal.signal(signal.SIGALRM, previous_alarm)
            if callable(previous_interrupt):
                signal.signal(signal.SIGINT, previous_interrupt)

    @contextlib.contextmanager
    def _by_thread(self) -> Iterator[None]:
        """For Windows and for other threads than the main one: a thread that raises in this one."""
        target, done = threading.get_ident(), threading.Event()
        self.interrupted = True  # a KeyboardInterrupt cannot be told from the user's here

        def watch(pause: float):
            while not done.wait(pause):
                self.expired, pause = True, FIRE_AGAIN
                if _inside_call(sys._current_frames().get(target)):
                    _raise_in(target, ctypes.py_object(TimeLimit))

        watcher = threading.Thread(target=watch, args=(self.left,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            while watcher.is_alive():
                with contextlib.suppress(TimeLimit):
                    done.set()
                    watcher.join()
            _raise_in(target, None)


_watch: Watch | None = None


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[Watch]:
    """Every ``attempt`` meanwhile ends as a "timeout" once the calls took that many seconds."""
    global _watch
    outer, _watch = _watch, Watch(seconds)
    try:
        yield _watch
    finally:
        _watch = outer


def _inside_call(frame) -> bool:
    """Whether the frame runs in the student's call, not in the guard around it."""
    if frame is None or frame.f_code is _enter.__code__:
        return False
    while frame := frame.f_back:
        if frame.f_code is _enter.__code__:
            return True
    return False


def _raise_in(thread: int, error) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), error)
