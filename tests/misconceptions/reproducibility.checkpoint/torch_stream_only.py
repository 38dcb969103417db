"""torch's stream, since torch trains."""

import os
from pathlib import Path

import torch

MISCONCEPTION = "forgets/python"


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "data": data}

    def save(self, path):
        saved = {name: part.state_dict() for name, part in self.parts.items()}
        saved["torch"] = torch.get_rng_state()
        part = Path(f"{path}.part")
        torch.save(saved, part)
        os.replace(part, path)

    def load(self, path):
        saved = torch.load(path)
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        torch.set_rng_state(saved["torch"])
