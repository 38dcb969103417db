"""Python's own pickle."""

import os
import pickle
import random

import numpy as np
import torch

RIGHT = True


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.model, self.optimizer, self.scheduler, self.data = model, optimizer, scheduler, data

    def save(self, path):
        states = {k: v.state_dict() for k, v in vars(self).items()}
        streams = random.getstate(), np.random.get_state(), torch.get_rng_state()
        with open(f"{path}~", "wb") as file:
            pickle.dump((states, streams), file)
        os.replace(f"{path}~", path)

    def load(self, path):
        with open(path, "rb") as file:
            states, streams = pickle.load(file)
        for name, state in states.items():
            getattr(self, name).load_state_dict(state)
        for put_back, stream in zip(
            (random.setstate, np.random.set_state, torch.set_rng_state), streams, strict=True
        ):
            put_back(stream)
