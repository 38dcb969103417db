"""The course's edit takes itself off."""

from contextlib import nullcontext

import torch

from course_utils.hooks import edit, record

RIGHT = True


class LLMSteering:
    def __init__(self, model, tokenizer):
        self.model, self.tokenizer, self.edits = model, tokenizer, None

    def set_steering(self, positive_prompt, negative_prompt, layer, strength=1.0):
        last = []
        for prompt in (positive_prompt, negative_prompt):
            with record(self.model, [("block", layer)]) as activations, torch.no_grad():
                self.model(**self.tokenizer(prompt, return_tensors="pt"))
            last.append(activations["block", layer][0, -1])
        added = strength * (last[0] - last[1])
        self.edits = {("block", layer): lambda activation, positions: activation + added}

    def remove_steering(self):
        self.edits = None

    def generate(self, prompt, max_new_tokens=50, **kwargs):
        inputs = self.tokenizer(prompt, return_tensors="pt")
        with edit(self.model, self.edits) if self.edits else nullcontext():
            output = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **kwargs)
        new = output[0, inputs.input_ids.shape[1] :]
        return prompt + self.tokenizer.decode(new, skip_special_tokens=True)
