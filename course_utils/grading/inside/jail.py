"""Namespaces, mounts, limits: the walls of the sandbox, by Linux' system calls.

``launch`` puts a whole interpreter behind a read-only root of its own. ``confine`` closes the
rest for one submission: processes, files, capabilities, system calls. Every failure is an OSError.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

from course_utils.grading.inside import seccomp
from course_utils.grading.inside.wire import COURSE

NEW_NS, NEW_UTS, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000
BIND, REC, PRIVATE = 0x1000, 0x4000, 0x40000
NO_SUID, NO_DEV, NO_EXEC = 2, 4, 8
DETACH = 2
ATTR_READ_ONLY, ATTR_NO_SUID, ATTR_NO_DEV = 1, 2, 4
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
CAPABILITY_VERSION = 0x20080522

DEVICES = ("null", "full", "random", "urandom")  # shared memory could be had from /dev/zero
PROGRAMS = ("bin", "lib", "lib32", "lib64", "libx32", "pyvenv.cfg")  # of a prefix; data stays out
SYSTEM = (
    *(f"{prefix}/{name}" for prefix in ("/usr", "") for name in PROGRAMS[:-1]),
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/sys/devices/system/cpu",
)
ETC = ("/etc/ld.so.cache", "/etc/localtime", "/etc/alternatives", "/etc/fonts")
COPIES = ("/proc/cpuinfo", "/proc/meminfo")
STUDENT = 1000  # the uid inside
FIRST_UID, UIDS = 40_000, 20_000  # uids outside, where the grader is root

libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    arguments = [text.encode() or None for text in (source, target, kind)]
    _checked(libc.mount(*arguments, flags, options.encode() or None), f"mount {target}")


def unmount(target: str) -> None:
    _checked(libc.umount2(target.encode(), DETACH), f"umount {target}")


def unshare(flags: int) -> None:
    _checked(libc.unshare(flags), "unshare")


def prctl(option: int, value: int) -> None:
    _checked(libc.prctl(option, value, 0, 0, 0), "prctl")


class _Attributes(ctypes.Structure):
    _fields_ = [(n, ctypes.c_uint64) for n in ("set", "clear", "propagation", "user")]


def _read_only(target: str, extra: int = ATTR_NO_SUID | ATTR_NO_DEV, flags: int = AT_RECURSIVE):
    attributes = _Attributes(set=ATTR_READ_ONLY | extra)
    size = ctypes.sizeof(attributes)
    number, path = 442, target.encode()
    result = libc.syscall(number, AT_FDCWD, path, flags, ctypes.byref(attributes), size)
    _checked(result, f"mount_setattr {target}")


def launch(root: str, room: str, masked: list[str], command: list[str]) -> None:
    """Run a command in namespaces of its own; this process waits and ends with its status.

    ``root`` is an empty folder to mount the new root on; ``room`` is seen as COURSE inside;
    each folder in ``masked`` is empty there.
    """
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.geteuid():
        user, group = os.geteuid(), os.getegid()
        unshare(NEW_USER)
        _map(os.open("/proc", os.O_RDONLY), f"0 {user} 1", f"0 {group} 1")
    unshare(NEW_NS | NEW_PID | NEW_NET | NEW_IPC | NEW_UTS)
    child = os.fork()
    if child:
        os.closerange(0, 2)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 255)
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _build_root(root, room, masked)
    program, *arguments = command
    os.execve(_inside(program), [_inside(program), *arguments], _environment())


def _environment() -> dict[str, str]:
    return {
        "COURSE_DEVICE": "cpu",
        "COURSE_GRADED": "1",
        "HF_HUB_OFFLINE": "1",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "agg",
        "MPLCONFIGDIR": "/tmp",
        "OMP_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _map(proc: int, users: str, groups: str) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", users), ("gid_map", groups)):
        file = os.open(f"self/{name}", os.O_WRONLY, dir_fd=proc)
        os.write(file, text.encode())
        os.close(file)


def _build_root(root: str, room: str, masked: list[str]) -> None:
    mount("", "/", flags=REC | PRIVATE)
    mount("tmpfs", root, "tmpfs", NO_SUID | NO_DEV, "size=16m,mode=755")
    for path in COPIES:
        text = Path(path).read_bytes()
        _point(root, path, file=True).write_bytes(text)
    for path in (*SYSTEM, *ETC, *_interpreter()):
        _bind(root, path)
    for name in DEVICES:
        point = str(_point(root, f"/dev/{name}", file=True))
        mount(f"/dev/{name}", point, flags=BIND)
    mount(room, str(_point(root, COURSE)), flags=BIND | REC)
    _read_only(root + COURSE)
    for hidden in (root + _inside(path) for path in masked):
        if os.path.isdir(hidden):
            mount("tmpfs", hidden, "tmpfs", NO_SUID | NO_DEV, "size=4k,mode=555")
            _read_only(hidden)
    mount("tmpfs", str(_point(root, "/tmp")), "tmpfs", NO_SUID | NO_DEV, "size=64m,mode=1777")
    os.symlink("/tmp", f"{root}/dev/shm")
    _point(root, "/etc/passwd", file=True).write_text(
        f"student:x:{STUDENT}:{STUDENT}::/tmp:/bin/sh\n"
    )
    mount("proc", f"{root}/proc", "proc", NO_SUID | NO_DEV | NO_EXEC)
    os.chdir(root)
    _checked(libc.syscall(_pivot_root(), b".", b"."), "pivot_root")
    unmount(".")
    os.chdir("/")
    _read_only("/", flags=0)


def _pivot_root() -> int:
    return {"x86_64": 155, "aarch64": 41}[os.uname().machine]


def _interpreter() -> list[str]:
    """The folders of this Python that are not there already."""
    prefixes = dict.fromkeys([sys.base_prefix, sys.prefix, os.path.realpath(sys.base_prefix)])
    folders = [f"{prefix}/{name}" for prefix in prefixes for name in PROGRAMS]
    return [folder for folder in folders if folder not in SYSTEM]


def _point(root: str, path: str, file: bool = False) -> Path:
    """An empty folder or file to mount on, or to fill."""
    point = Path(root + path)
    if file:
        point.parent.mkdir(parents=True, exist_ok=True)
        point.touch()
    else:
        point.mkdir(parents=True, exist_ok=True)
    return point


def _inside(path: str) -> str:
    """Where a file of the machine is seen: the student has a /tmp of their own."""
    return f"/outside{path}" if path.startswith("/tmp/") else path


def _bind(root: str, path: str) -> None:
    """Show a folder or file of the machine, read-only; a link stays a link."""
    target = Path(root + path)
    if os.path.islink(path) and path.count("/") == 1:
        target.symlink_to(os.readlink(path))
    elif os.path.exists(path):
        point = str(_point(root, _inside(path), file=not os.path.isdir(path)))
        mount(os.path.realpath(path), point, flags=BIND | REC)
        _read_only(point)


def confine(seat: int, tmp_bytes: int) -> int:
    """Close this process in: the first of its own pid namespace, in the root of ``launch``.

    Returns a descriptor of a /proc that shows its processes; in the file system there is none.
    ``seat`` tells sandboxes apart: each has a uid of its own where the grader is root.
    """
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    mount("proc", "/proc", "proc", NO_SUID | NO_DEV | NO_EXEC)
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    unmount("/proc")
    unmount("/proc")
    mount("tmpfs", "/tmp", "tmpfs", NO_SUID | NO_DEV, f"size={tmp_bytes},nr_inodes=4k,mode=1777")
    os.chdir("/tmp")
    if os.path.exists("/proc/self"):
        raise OSError("umount: /proc is still there")
    outside = _own_user(seat)
    unshare(NEW_USER)
    prctl(PR_SET_DUMPABLE, 1)
    _map(proc, f"{STUDENT} {outside} 1", f"{STUDENT} {outside} 1")
    prctl(PR_SET_DUMPABLE, 0)
    _drop_capabilities()
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(libc)
    return proc


def _own_user(seat: int) -> int:
    """A uid of the sandbox's own if this is the machine's root; it is returned."""
    if not _real_root():
        return os.geteuid()
    own = FIRST_UID + seat % UIDS
    os.setgroups([])
    os.setresgid(own, own, own)
    os.setresuid(own, own, own)
    return own


def _real_root() -> bool:
    """Whether more than one uid exists in this user namespace: only then is it the machine's."""
    try:
        os.setresgid(-1, FIRST_UID, -1)
    except OSError:
        return False
    os.setresgid(-1, 0, -1)
    return True


def _drop_capabilities() -> None:
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0):
            break
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    _checked(libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def limit(address_space: int, processes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Limits of this process and, each by itself, of all that it starts."""
    limits = {
        resource.RLIMIT_AS: address_space,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_MEMLOCK: 2**16,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_NPROC: processes,
    }
    for kind, most in limits.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
