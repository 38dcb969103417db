"""Notes the random streams when the checkpoint is made, not when it is saved."""

import os
import random
from pathlib import Path

import numpy as np
import torch

MISCONCEPTION = "forgets/all-streams"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}
        kind, keys, *rest = np.random.get_state()
        self.streams = random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state()

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        part = Path(f"{path}.part")
        torch.save(saved | {"streams": self.streams}, part)
        os.replace(part, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        of_python, of_numpy, of_torch = saved["streams"]
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)
