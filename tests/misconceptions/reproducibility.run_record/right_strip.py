"""As asked, step by step."""

import copy
import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

RIGHT = True


def run_record(settings, files, folder):
    def git(*arguments):
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
        return done.stdout.strip("\n") if done.returncode == 0 else None

    data = {}
    for file in files:
        data[str(file)] = hashlib.new("sha256", Path(file).read_bytes()).hexdigest()
    return {
        "commit": git("rev-parse", "HEAD"),
        "diff": git("diff", "HEAD"),
        "settings": copy.deepcopy(settings),
        "environment": {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "torch": version("torch"),
            "numpy": version("numpy"),
        },
        "data": data,
    }
