"""PyTorch's function knows groups."""

import torch
import torch.nn.functional as F

from course_utils.kv_cache import CacheLayer, causal_mask

RIGHT = True


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
        mask = causal_mask(q.shape[2], self.keys.shape[2])
        return F.scaled_dot_product_attention(q, self.keys, self.values, mask, enable_gqa=True)
