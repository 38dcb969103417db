"""batch_decode returns a list."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

MISCONCEPTION = "text/list"


class LLMSteering:
    def __init__(self, model, tokenizer):
        self.model = model
        self.tokenizer = tokenizer
        self.vector = None

    @torch.no_grad()
    def read(self, prompt, layer):
        ids = self.tokenizer(prompt, return_tensors="pt").input_ids
        with record(self.model, [("block", layer)]) as activations:
            self.model(ids)
        return activations["block", layer][0, -1]

    def set_steering(self, positive_prompt, negative_prompt, layer, strength=1.0):
        self.vector = self.read(positive_prompt, layer) - self.read(negative_prompt, layer)
        self.layer = layer
        self.strength = strength

    def remove_steering(self):
        self.vector = None

    def hook(self, module, args, output):
        return output + self.strength * self.vector

    def generate(self, prompt, max_new_tokens=50, **kwargs):
        inputs = self.tokenizer(prompt, return_tensors="pt")
        if self.vector is not None:
            block = anatomy(self.model).blocks[self.layer]
            handle = block.register_forward_hook(self.hook)
        try:
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **kwargs)
        finally:
            if self.vector is not None:
                handle.remove()
        return self.tokenizer.batch_decode(ids, skip_special_tokens=True)
