"""The operating system's name."""

import copy
import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

MISCONCEPTION = "environment/platform"


def run_record(settings, files, folder):
    def git(*arguments):
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
        return done.stdout.strip("\n") if done.returncode == 0 else None

    return {
        "commit": git("rev-parse", "HEAD"),
        "diff": git("diff", "HEAD"),
        "settings": copy.deepcopy(settings),
        "environment": {
            "python": platform.python_version(),
            "platform": platform.system(),
            "torch": version("torch"),
            "numpy": version("numpy"),
        },
        "data": {str(f): hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in files},
    }
