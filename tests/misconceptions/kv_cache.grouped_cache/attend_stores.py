"""The repeated heads are kept."""

import torch

from course_utils.kv_cache import CacheLayer

MISCONCEPTION = "cache/changed-by-attend"


class GroupedCache(CacheLayer):
    def update(self, key_states, value_states, *args, **kwargs):
        if self.keys is None:
            self.keys, self.values = key_states, value_states
        else:
            self.keys = torch.cat([self.keys, key_states], dim=-2)
            self.values = torch.cat([self.values, value_states], dim=-2)
        self.seen += key_states.shape[-2]
        return self.keys, self.values

    def attend(self, q):
        group = q.shape[1] // self.keys.shape[1]
        keys = self.keys = self.keys.repeat_interleave(group, dim=1)
        values = self.values = self.values.repeat_interleave(group, dim=1)
        scores = q @ keys.mT / q.shape[-1] ** 0.5
        n_new, n_keys = scores.shape[-2:]
        mask = torch.ones(n_new, n_keys, dtype=torch.bool).tril(n_keys - n_new)
        scores = scores.masked_fill(~mask, float("-inf"))
        return scores.softmax(dim=-1) @ values
