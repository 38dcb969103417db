"""The data are on the disk already."""

import os
import random
from pathlib import Path

import numpy as np
import torch

MISCONCEPTION = "forgets/data"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        kind, keys, *rest = np.random.get_state()
        saved["python"], saved["torch"] = random.getstate(), torch.get_rng_state()
        saved["numpy"] = (kind, keys.tolist(), *rest)
        part = Path(f"{path}.part")
        torch.save(saved, part)
        os.replace(part, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        random.setstate(saved["python"])
        np.random.set_state(saved["numpy"])
        torch.set_rng_state(saved["torch"])
