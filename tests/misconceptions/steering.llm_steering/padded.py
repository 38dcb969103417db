"""Both prompts in one batch; [-1] reads the padding."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

MISCONCEPTION = "padding/read-as-last"


class LLMSteering:
    def __init__(self, model, tokenizer):
        self.model = model
        self.tokenizer = tokenizer
        self.vector = None

    def set_steering(self, positive_prompt, negative_prompt, layer, strength=1.0):
        batch = self.tokenizer(
            [positive_prompt, negative_prompt],
            return_tensors="pt",
            padding=True,
            padding_side="right",
        )
        with record(self.model, [("block", layer)]) as activations, torch.no_grad():
            self.model(**batch)
        one, other = activations["block", layer][:, -1]
        self.vector = one - other
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
        return self.tokenizer.decode(ids[0], skip_special_tokens=True)
