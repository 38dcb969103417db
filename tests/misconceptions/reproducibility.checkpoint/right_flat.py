"""Part by part."""

import os
import random

import numpy as np
import torch

RIGHT = True


class Checkpoint:
    def __init__(self, model, optimizer, scheduler, data):
        self.model, self.optimizer = model, optimizer
        self.scheduler, self.data = scheduler, data

    def save(self, path):
        numpy_state = np.random.get_state(legacy=False)
        numpy_state["state"]["key"] = torch.from_numpy(numpy_state["state"]["key"].astype("int64"))
        everything = (
            self.model.state_dict(),
            self.optimizer.state_dict(),
            self.scheduler.state_dict(),
            self.data.state_dict(),
            random.getstate(),
            numpy_state,
            torch.random.get_rng_state(),
        )
        temporary = str(path) + ".tmp"
        torch.save(everything, temporary)
        os.replace(temporary, path)

    def load(self, path):
        model, optimizer, scheduler, data, of_python, of_numpy, of_torch = torch.load(path)
        self.model.load_state_dict(model)
        self.optimizer.load_state_dict(optimizer)
        self.scheduler.load_state_dict(scheduler)
        self.data.load_state_dict(data)
        random.setstate(of_python)
        of_numpy["state"]["key"] = of_numpy["state"]["key"].numpy().astype("uint32")
        np.random.set_state(of_numpy)
        torch.random.set_rng_state(of_torch)
