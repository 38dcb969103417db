"""Training: resumed after a kill it goes on to the same losses; its files are whole or absent."""

import json
import math

import pytest
import torch

from course_utils.course_lm.train import (
    Muon,
    Run,
    Settings,
    build_model,
    main,
    orthogonalized,
    weighted_loss,
)

TINY = dict(
    steps=30, rows=2, window=256, hidden_size=32, intermediate_size=32, blocks=2, heads=2,
    kv_heads=1, warmup=5, decay=10, full_level_at=20, full_mixture_at=25, early_from=20,
)  # fmt: skip


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    run = Run(folder, Settings(**TINY))
    run.train(checkpoint_every=math.inf)
    return run


def test_a_killed_run_goes_on_to_the_same_losses(unbroken, tmp_path):
    first = Run(tmp_path, Settings(**TINY))
    first.train(until=11)
    first.step()  # work that a kill loses
    resumed = Run(tmp_path, Settings(**TINY))
    assert len(resumed.losses) == 11
    resumed.train()
    assert resumed.losses == unbroken.losses
    for name, tensor in unbroken.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_untrained_heads_look_at_tokens_like_their_own_and_no_two_are_equal():
    model = build_model(Settings(), vocabulary=500, end_id=0)
    attention = model.model.layers[3].self_attn
    queries = attention.q_proj.weight.unflatten(0, (-1, attention.head_dim)).flatten(1)
    keys = attention.k_proj.weight.unflatten(0, (-1, attention.head_dim)).flatten(1)
    alike = torch.cosine_similarity(queries[:, None], keys, dim=-1)
    assert alike.argmax(1).tolist() == [0, 0, 1, 1, 2, 2]
    assert 0.8 < alike.amax(1).min() and alike.max() < 0.99


def test_the_loss_falls(unbroken):
    assert len(unbroken.losses) == 30
    assert sum(unbroken.losses[15:20]) < sum(unbroken.losses[:5]) - 2.5  # then `early` is added


def test_what_is_read_early_trains_all_blocks_but_the_last(tmp_path):
    run = Run(tmp_path, Settings(**TINY))
    batch = run.corpus.batch(0, 2)
    late, both = (weighted_loss(run.decoder, run.model.lm_head, batch, early) for early in (0, 0.1))
    (both - late).backward()
    before, last = (block.mlp.down_proj.weight.grad for block in run.model.model.layers)
    assert before.abs().max() > 0
    assert last.abs().max() < 1e-6 * before.abs().max()


def test_a_checkpoint_cut_while_written_leaves_the_last_whole_one(unbroken, tmp_path, monkeypatch):
    run = Run(tmp_path, Settings(**TINY))
    run.train(until=2)

    def cut(saved, path):
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", cut)
    run.step()
    with pytest.raises(KeyboardInterrupt):
        run.checkpoint()
    assert Run(tmp_path, Settings(**TINY)).losses == unbroken.losses[:2]


def test_another_setting_in_the_same_folder_is_refused(tmp_path, capsys):
    Run(tmp_path, Settings(**TINY))
    with pytest.raises(ValueError, match="other settings"):
        Run(tmp_path, Settings(**TINY | {"seed": 1}))
    assert main(["--run", str(tmp_path), "--seed", "2"]) == 2
    assert "name another folder with --run" in capsys.readouterr().err


def test_zero_rows_are_refused():
    with pytest.raises(ValueError, match="rows is 0; it must be at least 1"):
        Settings(rows=0)


def test_the_exported_model_is_the_trained_one(unbroken, tmp_path):
    import hashlib

    from transformers import AutoModelForCausalLM, AutoTokenizer

    unbroken.export(tmp_path / "weights")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "weights", dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "weights")
    ids = tokenizer("The capital of France is", return_tensors="pt")["input_ids"]
    expected = unbroken.model(ids).logits
    torch.testing.assert_close(model(ids).logits, expected, atol=0.05, rtol=0)
    hashes = json.loads((tmp_path / "weights" / "hashes.json").read_text())
    weights = (tmp_path / "weights" / "model.safetensors").read_bytes()
    assert hashes["model.safetensors"] == hashlib.sha256(weights).hexdigest()
    record = json.loads((tmp_path / "weights" / "training.json").read_text())
    assert record["steps"] == 30 and record["settings"]["seed"] == 0
    assert not (tmp_path / "weights.part").exists()


def test_orthogonalized_matrices_have_singular_values_near_one():
    matrices = torch.randn(3, 8, 20, generator=torch.Generator().manual_seed(0))
    for made in (orthogonalized(matrices), orthogonalized(matrices.mT).mT):
        values = torch.linalg.svdvals(made)
        assert values.min() > 0.5 and values.max() < 1.3


def test_muon_walks_down_a_quadratic():
    target = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    matrix = torch.nn.Parameter(torch.zeros(6, 4))
    optimizer = Muon([matrix], lr=0.02)
    for _ in range(200):
        loss = (matrix - target).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (matrix - target).abs().max() < 0.1


def test_levels_and_rates_follow_the_plan():
    settings = Settings(steps=100, warmup=10, decay=50, full_level_at=20, full_mixture_at=40)
    assert settings.learning_rate_factor(0) == pytest.approx(0.1)
    assert settings.learning_rate_factor(30) == 1
    assert settings.learning_rate_factor(99) == pytest.approx(0.02)
    assert settings.level(0) == 0 and settings.level(10) == 0.5 and settings.level(50) == 1
    assert settings.mixture(20) == 0 and settings.mixture(30) == 0.5 and settings.mixture(50) == 1
    with pytest.raises(ValueError, match="after full_level_at"):
        Settings(full_level_at=40, full_mixture_at=40)
