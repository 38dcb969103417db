"""The seed brings the streams back."""

import os
import random
from pathlib import Path

import numpy as np
import torch

MISCONCEPTION = "forgets/all-streams"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        saved["seed"] = torch.initial_seed()
        part = Path(f"{path}.part")
        torch.save(saved, part)
        os.replace(part, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        random.seed(saved["seed"])
        np.random.seed(saved["seed"] % 2**32)
        torch.manual_seed(saved["seed"])
