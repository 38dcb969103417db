"""hashlib.file_digest, git's porcelain for the commit, more keys than asked for."""

import copy
import hashlib
import os
import platform
import subprocess
from importlib import metadata

RIGHT = True


def run_record(settings, files, folder):
    def run(command):
        done = subprocess.run(command.split(), cwd=str(folder), capture_output=True, text=True)
        return None if done.returncode else done.stdout

    hashes = {}
    for file in files:
        with open(file, "rb") as stream:
            hashes[os.fspath(file)] = hashlib.file_digest(stream, "sha256").hexdigest()
    commit = run("git log -1 --format=%H")
    return dict(
        commit=commit and commit.strip(),
        diff=commit and run("git diff HEAD --no-color"),
        settings=copy.deepcopy(settings),
        environment={
            "python": platform.python_version(),
            "platform": platform.platform(),
            "threads": os.cpu_count(),
            **{name: metadata.version(name) for name in ("torch", "numpy")},
        },
        data=hashes,
    )
