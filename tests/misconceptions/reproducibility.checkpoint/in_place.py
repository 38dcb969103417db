"""torch.save to the path."""

import random

import numpy as np
import torch

MISCONCEPTION = "write/in-place"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        kind, keys, *rest = np.random.get_state()
        saved["python"], saved["torch"] = random.getstate(), torch.get_rng_state()
        saved["numpy"] = (kind, keys.tolist(), *rest)
        torch.save(saved, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        random.setstate(saved["python"])
        np.random.set_state(saved["numpy"])
        torch.set_rng_state(saved["torch"])
