"""The planner against bytes that are counted while small models take a real step."""

import contextlib
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config

from course_utils.planner import PARTS, plan
from course_utils.published import published
from course_utils.tuning import LoRALinear, optimizer_bytes, peak_saved_bytes, tensor_bytes

QWEN = Qwen2Config(
    vocab_size=300,
    hidden_size=64,
    intermediate_size=170,
    num_hidden_layers=5,
    num_attention_heads=4,
    num_key_value_heads=2,
    tie_word_embeddings=True,
)
LLAMA = LlamaConfig(
    vocab_size=90,
    hidden_size=48,
    intermediate_size=100,
    num_hidden_layers=4,
    num_attention_heads=6,
    num_key_value_heads=6,
    tie_word_embeddings=False,
)
WIDE = LlamaConfig(
    vocab_size=2000,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=1,
    head_dim=16,
    tie_word_embeddings=True,
)


class Segment(nn.Module):
    """Some blocks of a model, recomputed, in a way that lets hooks see what is saved meanwhile."""

    def __init__(self, blocks):
        super().__init__()
        self.blocks, self.attention_type = nn.ModuleList(blocks), "full_attention"

    def forward(self, hidden, **kwargs):
        def run(x):
            for block in self.blocks:
                x = block(x, **kwargs)
            return x

        return checkpoint(run, hidden, use_reentrant=True)


@dataclass
class Setting:
    config: object
    batch: int
    length: int
    options: dict

    def model(self):
        torch.manual_seed(0)
        attention = self.options.get("attention", "sdpa")
        model = AutoModelForCausalLM.from_config(self.config, attn_implementation=attention)
        if self.options.get("precision") == "bfloat16":
            model = model.bfloat16()
        if rank := self.options.get("lora_rank"):
            model.requires_grad_(False)
            for block in model.model.layers:
                for name in ("q_proj", "v_proj"):
                    adapted = LoRALinear(getattr(block.self_attn, name), rank, 8)
                    setattr(block.self_attn, name, adapted)
        if every := self.options.get("checkpoint_every"):
            layers = model.model.layers
            parts = [Segment(layers[i : i + every]) for i in range(0, len(layers), every)]
            model.model.layers = nn.ModuleList(parts)
        return model

    def counted(self):
        """Bytes of weights, gradients, optimizer and saved tensors of one real step."""
        model = self.model()
        trained = [p for p in model.parameters() if p.requires_grad]
        optimizer = {
            "AdamW": torch.optim.AdamW,
            "SGD": torch.optim.SGD,
            "SGD with momentum": lambda ps: torch.optim.SGD(ps, 0.1, momentum=0.9),
            "Adafactor": torch.optim.Adafactor,
        }[self.options.get("optimizer", "AdamW")](trained)
        ids = torch.randint(0, 90, (self.batch, self.length))
        is_mixed = self.options.get("precision") == "mixed"

        def step():
            cast = torch.autocast("cpu", torch.bfloat16) if is_mixed else contextlib.nullcontext()
            with cast:
                loss = model(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()

        saved = peak_saved_bytes(step, model.parameters())
        gradients = tensor_bytes(p.grad for p in trained)
        optimizer.step()
        return tensor_bytes(model.parameters()), gradients, optimizer_bytes(optimizer), saved


SETTINGS = {
    "plain": Setting(QWEN, 3, 40, {}),
    "untied, no groups": Setting(LLAMA, 2, 64, {"optimizer": "SGD with momentum"}),
    "large vocabulary": Setting(WIDE, 2, 24, {"optimizer": "Adafactor"}),
    "bfloat16": Setting(QWEN, 2, 48, {"precision": "bfloat16"}),
    "mixed": Setting(LLAMA, 4, 40, {"precision": "mixed"}),
    "eager": Setting(QWEN, 2, 96, {"attention": "eager", "optimizer": "SGD"}),
    "eager, bfloat16": Setting(LLAMA, 2, 64, {"attention": "eager", "precision": "bfloat16"}),
    "every block": Setting(QWEN, 3, 40, {"checkpoint_every": 1}),
    "every two blocks": Setting(QWEN, 3, 40, {"checkpoint_every": 2}),
    "checkpoints, large vocabulary": Setting(WIDE, 2, 24, {"checkpoint_every": 1}),
    "checkpoints, bfloat16": Setting(
        LLAMA, 2, 40, {"checkpoint_every": 3, "precision": "bfloat16"}
    ),
    "LoRA": Setting(QWEN, 3, 40, {"lora_rank": 4}),
    "LoRA, bfloat16": Setting(LLAMA, 3, 40, {"lora_rank": 2, "precision": "bfloat16"}),
    "LoRA, mixed": Setting(QWEN, 3, 40, {"lora_rank": 4, "precision": "mixed"}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_plan_is_what_is_counted(name):
    setting = SETTINGS[name]
    weights, gradients, optimizer, saved = setting.counted()
    planned = plan(setting.config, setting.batch, setting.length, **setting.options)
    assert tuple(planned) == PARTS
    assert planned["weights"] == weights
    assert planned["gradients"] == gradients
    assert planned["optimizer"] == optimizer
    assert planned["activations"] + planned["logits"] == pytest.approx(saved, rel=0.05)


def test_zero_spreads_one_part_more_at_each_stage():
    whole = plan(QWEN, 2, 16)
    spread = [plan(QWEN, 2, 16, zero_stage=stage, ranks=4) for stage in (1, 2, 3)]
    shares = [[parts[name] / whole[name] for name in PARTS] for parts in spread]
    assert shares[0] == pytest.approx([1, 1, 0.25, 1, 1], abs=1e-3)
    assert shares[1] == pytest.approx([1, 0.25, 0.25, 1, 1], abs=1e-3)
    assert shares[2] == pytest.approx([0.25, 0.25, 0.25, 1, 1], abs=1e-3)


def test_a_published_model_is_planned_without_its_weights():
    parts = plan(published("Qwen2.5-0.5B"), 1, 128, "bfloat16")
    assert parts["weights"] == 2 * 494_032_768
    assert parts["optimizer"] == pytest.approx(4 * 494_032_768, rel=1e-4)


@pytest.mark.parametrize(
    "given, says",
    [
        ({"precision": "float16"}, "'float16' is not a precision"),
        ({"optimizer": "Adam"}, "'Adam' is not an optimizer"),
        ({"zero_stage": 4}, "4 is not a ZeRO stage"),
        ({"attention": "flash"}, "'flash' is not an attention"),
        ({"ranks": 0}, "ranks 0"),
        ({"checkpoint_every": -1}, "checkpoint_every -1"),
    ],
)
def test_what_the_planner_does_not_know_is_refused(given, says):
    with pytest.raises(ValueError, match=says):
        plan(QWEN, 2, 16, **given)


def test_an_architecture_that_the_planner_does_not_know_is_refused():
    with pytest.raises(ValueError, match="'gpt2' is not a model type"):
        plan(GPT2Config(n_layer=1, n_embd=8, n_head=2), 1, 8)
