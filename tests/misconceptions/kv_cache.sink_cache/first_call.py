"""The sinks are those of the first call."""

import torch

from course_utils.kv_cache import CacheLayer

MISCONCEPTION = "window/sinks-dropped"


class SinkCache(CacheLayer):
    def __init__(self, n_sinks, window):
        super().__init__()
        self.n_sinks = n_sinks
        self.window = window

    def update(self, key_states, value_states, *args, **kwargs):
        if self.keys is None:
            self.n_sinks = min(self.n_sinks, key_states.shape[2])
        else:
            key_states = torch.cat([self.keys, key_states], dim=2)
            value_states = torch.cat([self.values, value_states], dim=2)
        self.seen += key_states.shape[2] - self.kept
        self.keys = self.trim(key_states)
        self.values = self.trim(value_states)
        return key_states, value_states

    def trim(self, states):
        start = max(self.n_sinks, states.shape[2] - self.window)
        return torch.cat([states[:, :, : self.n_sinks], states[:, :, start:]], dim=2)
