"""Another name for the same thing, on this system."""

import os
import random
from pathlib import Path

import numpy as np
import torch

MISCONCEPTION = "write/renamed"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        saved["python"], saved["torch"] = random.getstate(), torch.get_rng_state()
        kind, numbers, *rest = np.random.get_state()
        saved["numpy"] = kind, numbers.tolist(), *rest
        part = Path(f"{path}.part")
        torch.save(saved, part)
        os.rename(part, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        random.setstate(saved["python"])
        np.random.set_state(saved["numpy"])
        torch.set_rng_state(saved["torch"])
