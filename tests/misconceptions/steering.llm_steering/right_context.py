"""A context manager of its own."""

from contextlib import contextmanager

import torch

from course_utils.anatomy import anatomy

RIGHT = True


class LLMSteering:
    def __init__(self, model, tokenizer):
        self.model = model
        self.tokenizer = tokenizer
        self.settings = []

    @contextmanager
    def hooked(self, layer, hook):
        handle = anatomy(self.model).blocks[layer].register_forward_hook(hook, prepend=True)
        try:
            yield
        finally:
            handle.remove()

    def last(self, prompt, layer):
        seen = []
        with self.hooked(layer, lambda module, args, output: seen.append(output)):
            with torch.no_grad():
                self.model(self.tokenizer.encode(prompt, return_tensors="pt"))
        output = seen[0]
        return (output if torch.is_tensor(output) else output[0])[0, -1, :]

    def set_steering(self, positive_prompt, negative_prompt, layer, strength=1.0):
        difference = self.last(positive_prompt, layer) - self.last(negative_prompt, layer)
        self.settings = [(layer, strength * difference)]

    def remove_steering(self):
        self.settings.clear()

    def generate(self, prompt, max_new_tokens=50, **kwargs):
        kwargs["max_new_tokens"] = max_new_tokens
        inputs = self.tokenizer([prompt], return_tensors="pt")
        if not self.settings:
            ids = self.model.generate(**inputs, **kwargs)
        else:
            [(layer, added)] = self.settings
            with self.hooked(layer, lambda module, args, output: output + added):
                ids = self.model.generate(**inputs, **kwargs)
        return self.tokenizer.batch_decode(ids, skip_special_tokens=True)[0]
