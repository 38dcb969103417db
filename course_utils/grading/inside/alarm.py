"""Ends a submission that reaches for frames, the garbage collector, raw memory or tracing.

No answer needs them, and with them it could find what the probe keeps in its local variables.
Python reports such calls to audit hooks (PEP 578), which cannot be taken away. A call counts if the
submission makes it, itself or through a library's function that would not make it by itself;
libraries make such calls too. Code counts as a library's by the name of its file, so nothing else
may be compiled under such a name.
"""

from __future__ import annotations

import bdb
import ctypes
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable

FRAMES = {"tb_frame", "gi_frame", "cr_frame", "ag_frame"}
PARTS = {"__code__", "__defaults__", "__kwdefaults__"}
EVENTS = {
    "code.__new__",
    "compile",
    "gc.get_objects",
    "gc.get_referents",
    "gc.get_referrers",
    "marshal.loads",
    "object.__getattr__",
    "object.__setattr__",
    "sys._current_exceptions",
    "sys._current_frames",
    "sys._getframe",
    "sys.monitoring.register_callback",
    "sys.setprofile",
    "sys.settrace",
}
NAMED = {e for e in EVENTS if e.startswith(("gc.", "sys.")) and e != "sys.setprofile"}  # in Python


def install(course: str) -> Callable[[Callable[[str], None] | None], None]:
    """Set the hook; what is returned arms it with the function that is told the event's name.

    ``course`` is the folder of the package. The process is over when that function returns.
    """
    libraries = ("<frozen", course, sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"))
    helpers = {bdb.__file__, ctypes.__file__, inspect.__file__}
    get_frame, leave, walker = sys._getframe, os._exit, traceback.walk_stack.__code__
    tell, busy, read = None, False, open

    def is_library(file: str) -> bool:
        return file.startswith(libraries) and ".." not in file

    def is_own(event: str, frame) -> bool:
        """A library's code that makes the call by itself holds the name of what it calls."""
        if event == "compile":
            return True
        called = event.rpartition(".")[2] if event in NAMED else ""
        while frame and (frame.f_code.co_filename in helpers or frame.f_code is walker):
            called = called and frame.f_code is not walker and frame.f_code.co_name
            frame = frame.f_back
        if frame is None:
            return False
        code = frame.f_code
        names_it = not called or called in code.co_names or called in code.co_consts
        return not (names_it and is_library(code.co_filename))

    def is_foreign(source: object, file: str) -> bool:
        """Whether code takes a library's name that is not what the library's file holds."""
        if not file.startswith(libraries):
            return False
        try:
            with read(file, "rb") as real:
                text = real.read()
        except OSError:
            return True
        is_file = file.startswith("/") and is_library(file)
        return not is_file or source not in (text, text.decode("utf-8", "replace"))

    def matters(event: str, given: tuple) -> bool:
        if event == "object.__getattr__":
            return given[1] in FRAMES
        if event == "object.__setattr__":
            return given[1] in PARTS
        if event == "compile":
            return is_foreign(given[0], str(given[1]))
        return event in EVENTS or event.startswith("ctypes.")

    def hook(event: str, given: tuple) -> None:
        nonlocal busy
        if tell is None or busy or not matters(event, given):
            return
        busy = True
        if is_own(event, get_frame(1)):
            try:
                tell(event)
            finally:
                leave(1)
        busy = False

    def arm(function: Callable[[str], None] | None) -> None:
        nonlocal tell
        tell = function

    sys.addaudithook(hook)
    return arm
