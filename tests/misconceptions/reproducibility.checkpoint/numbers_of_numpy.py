"""Of NumPy's state only the numbers and the place; the normal number that waits is lost."""

import os
import random
from pathlib import Path

import numpy as np
import torch

MISCONCEPTION = "forgets/numpy"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        saved["python"], saved["torch"] = random.getstate(), torch.get_rng_state()
        _, numbers, place, *_ = np.random.get_state()
        saved["numpy"] = numbers.tolist(), place
        part = Path(f"{path}.part")
        torch.save(saved, part)
        os.replace(part, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        random.setstate(saved["python"])
        np.random.set_state(("MT19937", *saved["numpy"]))
        torch.set_rng_state(saved["torch"])
