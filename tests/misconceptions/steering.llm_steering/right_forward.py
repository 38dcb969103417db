"""Puts another forward in place of the block's, and the old one back."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

RIGHT = True


class LLMSteering:
    def __init__(self, model, tokenizer):
        self.model, self.tokenizer = model, tokenizer
        self.vector = None

    def set_steering(self, positive_prompt, negative_prompt, layer, strength=1.0):
        def last(text):
            with record(self.model, [("block", layer)]) as activations:
                self.model(torch.tensor([self.tokenizer(text)["input_ids"]]))
            return activations["block", layer][0, -1]

        self.vector = last(positive_prompt) - last(negative_prompt)
        self.layer, self.strength = layer, strength

    def remove_steering(self):
        self.vector = None

    def generate(self, prompt, max_new_tokens=50, **kwargs):
        inputs = self.tokenizer(prompt, return_tensors="pt")
        block = anatomy(self.model).blocks[self.layer if self.vector is not None else 0]
        forward, vector = block.forward, self.vector

        def steered(*args, **kwargs):
            output = forward(*args, **kwargs)
            return output if vector is None else output + self.strength * vector

        block.forward = steered
        try:
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **kwargs)
        finally:
            block.forward = forward
        return self.tokenizer.decode(ids[0], skip_special_tokens=True)
