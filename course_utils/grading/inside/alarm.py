"""Ends a submission that reaches for frames, the garbage collector, raw memory or tracing.

No answer needs them, and with them it could find what the probe keeps in its local variables.
Python reports such calls to audit hooks (PEP 578), which cannot be taken away. A call counts if the
submission makes it, itself or through ``inspect`` and ``ctypes``; libraries make such calls too.
"""

from __future__ import annotations

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


def install(course: str) -> Callable[[Callable[[str], None] | None], None]:
    """Set the hook; what is returned arms it with the function that is told the event's name.

    ``course`` is the folder of the package. The process is over when that function returns.
    """
    libraries = ("<frozen", course, sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib"))
    helpers = {inspect.__file__, ctypes.__file__}
    get_frame, leave, walker = sys._getframe, os._exit, traceback.walk_stack.__code__
    tell, busy = None, False

    def is_own(frame) -> bool:
        while frame and (frame.f_code.co_filename in helpers or frame.f_code is walker):
            frame = frame.f_back
        return frame is not None and not frame.f_code.co_filename.startswith(libraries)

    def matters(event: str, given: tuple) -> bool:
        if event == "object.__getattr__":
            return given[1] in FRAMES
        if event == "object.__setattr__":
            return given[1] in PARTS
        if event == "compile":  # as if it were a library's
            return str(given[1]).startswith(libraries)
        return event in EVENTS or event.startswith("ctypes.")

    def hook(event: str, given: tuple) -> None:
        nonlocal busy
        if tell is None or busy or not matters(event, given):
            return
        busy = True
        if is_own(get_frame(1)):
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
