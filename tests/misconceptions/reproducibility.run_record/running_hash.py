"""One hash object for all files, that goes on from file to file."""

import copy
import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

MISCONCEPTION = "data/of-other-bytes"


def run_record(settings, files, folder):
    def git(*arguments):
        done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True)
        return done.stdout.strip("\n") if done.returncode == 0 else None

    digest, data = hashlib.sha256(), {}
    for file in files:
        digest.update(Path(file).read_bytes())
        data[str(file)] = digest.hexdigest()
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
