"""check_output raises where there is no repository."""

import copy
import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

MISCONCEPTION = "git/needs-a-repository"


def run_record(settings, files, folder):
    def git(*arguments):
        return subprocess.check_output(["git", "-C", folder, *arguments], text=True).strip()

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
        "data": {str(f): hashlib.sha256(Path(f).read_bytes()).hexdigest() for f in files},
    }
