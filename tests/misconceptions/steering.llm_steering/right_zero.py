"""A hook that always goes on, with a vector of zeros at first."""

import torch

from course_utils.anatomy import anatomy
from course_utils.hooks import record

RIGHT = True


class LLMSteering:
    def __init__(self, model, tokenizer):
        self.model = model
        self.tokenizer = tokenizer
        self.remove_steering()

    def remove_steering(self):
        self.layer = 0
        self.added = None

    def set_steering(self, positive_prompt, negative_prompt, layer, strength=1.0):
        prompts = [positive_prompt, negative_prompt]
        batch = self.tokenizer(prompts, return_tensors="pt", padding=True, padding_side="right")
        with torch.no_grad(), record(self.model, [("block", layer)]) as activations:
            self.model(**batch)
        hidden = activations["block", layer]
        ends = batch["attention_mask"].cumsum(dim=1).argmax(dim=1)
        positive, negative = hidden[torch.arange(2), ends]
        self.layer = layer
        self.added = (positive - negative) * strength

    def generate(self, prompt, max_new_tokens=50, **kwargs):
        def hook(module, args, output):
            if self.added is None:
                return None
            if isinstance(output, tuple):
                return (output[0] + self.added, *output[1:])
            return output + self.added

        handle = anatomy(self.model).blocks[self.layer].register_forward_hook(hook)
        try:
            inputs = self.tokenizer(prompt, return_tensors="pt")
            ids = self.model.generate(**inputs, max_new_tokens=max_new_tokens, **kwargs)
            return self.tokenizer.decode(ids[0], skip_special_tokens=True)
        finally:
            handle.remove()
