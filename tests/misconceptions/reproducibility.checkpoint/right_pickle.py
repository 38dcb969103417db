"""A pickle that is read without restrictions, for a file of one's own."""

import os
import random
import tempfile
from pathlib import Path

import numpy as np
import torch

RIGHT = True


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.parts = model, optimizer, scheduler, data

    def save(self, path):
        saved = [part.state_dict() for part in self.parts]
        saved += [random.getstate(), np.random.get_state(), torch.get_rng_state()]
        descriptor, name = tempfile.mkstemp(dir=Path(path).parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                torch.save(saved, file)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def load(self, path):
        *states, of_python, of_numpy, of_torch = torch.load(path, weights_only=False)
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)
