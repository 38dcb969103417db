"""cwd, modules' own versions, JSON for the copy, hashing in pieces."""

import hashlib
import json
import platform
import subprocess
import sys

import numpy as np
import torch

RIGHT = True


def sha256(file):
    digest = hashlib.sha256()
    with open(file, "rb") as stream:
        while piece := stream.read(65536):
            digest.update(piece)
    return digest.hexdigest()


def run_record(settings, files, folder):
    record = {"commit": None, "diff": None}
    try:
        head = subprocess.check_output(
            ["git", "rev-parse", "HEAD"], cwd=folder, stderr=subprocess.DEVNULL
        )
        record["commit"] = head.decode().strip()
        record["diff"] = subprocess.check_output(["git", "diff", "HEAD"], cwd=folder).decode()
    except subprocess.CalledProcessError:
        pass
    record["settings"] = json.loads(json.dumps(settings))
    record["environment"] = {
        "python": sys.version,
        "platform": platform.platform(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
    record["data"] = {str(file): sha256(file) for file in files}
    return record
