"""Sparse autoencoders: their formulas, files and training; the one that ships."""

import copy
import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from course_utils import course_lm, sae
from course_utils.anatomy import anatomy
from course_utils.checks.probes.steering import GPT2, LLAMA, make_model, make_tokenizer
from course_utils.course_lm import corpus
from course_utils.course_sae import BLOCK, FOLDER, labels, load_sae
from course_utils.course_sae import train as command
from course_utils.hooks import record
from course_utils.models import load_lm
from course_utils.sae import (
    ITDA,
    JUMPRELU,
    L1,
    TOPK,
    ActivationStream,
    Rows,
    SparseAutoencoder,
    Training,
    quality,
    train,
)

SENTENCES = ["the cat sat on a mat", "my dog ran", "we saw red stars in cold rain", "she was"]


@pytest.fixture
def small():
    return make_model(LLAMA, 0), make_tokenizer(LLAMA)


@pytest.fixture(scope="module")
def bundled():
    return load_lm("course-lm", device="cpu")


def sentences(fill):
    return iter(SENTENCES * 20)


def weights(d_in=3, d_sae=5, seed=0):
    torch.manual_seed(seed)
    return {
        "W_enc": torch.randn(d_in, d_sae),
        "b_enc": torch.randn(d_sae) / 4,
        "W_dec": F.normalize(torch.randn(d_sae, d_in), dim=-1),
        "b_dec": torch.randn(d_in),
    }


def layout(folder, tensors, **config):
    """A SAE's folder, as SAELens writes it."""
    folder.mkdir(exist_ok=True)
    save_file(tensors, folder / "sae_weights.safetensors")
    (folder / "cfg.json").write_text(json.dumps({"d_in": 3, "d_sae": 5} | config))
    return folder


# ---- forward


def test_each_activation_is_its_formula():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    given = weights()
    before = (x - given["b_dec"]) @ given["W_enc"] + given["b_enc"]
    for kind, k, keep in (
        (L1, None, before > 0),
        (TOPK, 2, (before >= before.sort(dim=-1).values[:, [-2]]) & (before > 0)),
        (JUMPRELU, None, before > 0.7),
    ):
        one = SparseAutoencoder(3, 5, kind, k)
        threshold = {"threshold": torch.full((5,), 0.7)} if kind == JUMPRELU else {}
        one.load_state_dict(given | threshold)
        expected = torch.where(keep, before, 0.0)
        assert torch.allclose(one.encode(x), expected)
        assert torch.allclose(one(x), expected @ given["W_dec"] + given["b_dec"])


def test_a_reconstruction_has_the_dtype_of_the_input():
    one = SparseAutoencoder(3, 5, L1)
    assert one(torch.randn(2, 4, 3, dtype=torch.float64)).dtype == torch.float64


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"activation": "gelu"}, "activation is 'gelu'"),
        ({"activation": TOPK}, "k is None"),
        ({"activation": TOPK, "k": 6}, "k is 6: give 1 to 5"),
        ({"activation": L1, "k": 2}, "none else"),
    ],
)
def test_what_a_sae_cannot_be_is_refused(how, said):
    with pytest.raises(ValueError, match=said):
        SparseAutoencoder(3, 5, **how)


def test_jumprelu_has_a_gradient_for_its_threshold():
    one = SparseAutoencoder(3, 5, JUMPRELU)
    near = torch.full((2, 5), one.threshold[0].item() + 0.01)
    sae._Count.apply(near, one.threshold).sum().backward()
    assert torch.allclose(one.threshold.grad, torch.full((5,), -2 / sae.BANDWIDTH))


# ---- files


@pytest.mark.parametrize(("kind", "k"), [(L1, None), (TOPK, 2), (JUMPRELU, None)])
def test_what_is_saved_is_loaded(tmp_path, kind, k):
    torch.manual_seed(0)
    one = SparseAutoencoder(3, 5, kind, k, metadata={"hook_name": "blocks.1.hook_resid_post"})
    one.save(tmp_path / "sae")
    other = SparseAutoencoder.load(tmp_path / "sae")
    x = torch.randn(4, 3)
    assert torch.equal(other(x), one(x))
    assert other.metadata == one.metadata
    assert not any(p.requires_grad for p in other.parameters())
    assert sorted(p.name for p in (tmp_path / "sae").iterdir()) == [
        "cfg.json",
        "sae_weights.safetensors",
    ]


def test_a_published_layout_is_read(tmp_path):
    given = weights()
    x = torch.randn(4, 3)
    features = ((x - given["b_dec"]) @ given["W_enc"] + given["b_enc"]).relu()
    new = layout(tmp_path / "new", given, architecture="standard", apply_b_dec_to_input=True)
    assert torch.allclose(SparseAutoencoder.load(new).encode(x), features)
    old = layout(tmp_path / "old", given, activation_fn_str="topk", activation_fn_kwargs={"k": 1})
    best = F.one_hot(features.argmax(-1), 5) * features
    assert torch.allclose(SparseAutoencoder.load(old).encode(x), best)
    plain = layout(tmp_path / "plain", given, architecture="standard", apply_b_dec_to_input=False)
    uncentered = (x @ given["W_enc"] + given["b_enc"]).relu()
    assert torch.allclose(SparseAutoencoder.load(plain).encode(x), uncentered)


def test_decoder_norms_that_count_in_the_choice_are_folded(tmp_path):
    given = weights()
    given["W_dec"] = given["W_dec"] * torch.tensor([1.0, 5.0, 0.2, 1.0, 3.0])[:, None]
    options = {"architecture": "topk", "k": 1, "rescale_acts_by_decoder_norm": True}
    one = SparseAutoencoder.load(layout(tmp_path / "sae", given, **options))
    x = torch.randn(6, 3)
    before = ((x - given["b_dec"]) @ given["W_enc"] + given["b_enc"]).relu()
    best = F.one_hot((before * given["W_dec"].norm(dim=-1)).argmax(-1), 5) * before
    assert torch.allclose(one(x), best @ given["W_dec"] + given["b_dec"], atol=1e-5)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"architecture": "gated"}, "architecture 'gated'"),
        ({"architecture": "standard", "normalize_activations": "layer_norm"}, "layer_norm"),
    ],
)
def test_other_layouts_are_refused(tmp_path, config, said):
    with pytest.raises(ValueError, match=said):
        SparseAutoencoder.load(layout(tmp_path / "sae", weights(), **config))


def test_a_folder_without_a_sae_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no sae_weights.safetensors and no cfg.json"):
        SparseAutoencoder.load(tmp_path)
    broken = layout(tmp_path / "sae", weights() | {"b_dec": torch.zeros(4)}, architecture=L1)
    with pytest.raises(ValueError, match=r"b_dec of .* has shape \[4\]"):
        SparseAutoencoder.load(broken)
    (broken / "sae_weights.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="holds no SAE"):
        SparseAutoencoder.load(broken)


def test_gemma_scope(tmp_path):
    given = {name: tensor.numpy() for name, tensor in weights().items()}
    given["threshold"] = np.array([0.1, 5.0, 0.0, 0.3, 0.2], dtype=np.float32)
    np.savez(tmp_path / "params.npz", **given)
    one = SparseAutoencoder.load_gemma_scope(tmp_path / "params.npz")
    x = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    before = x @ given["W_enc"] + given["b_enc"]  # the encoder reads x itself
    features = np.where(before > given["threshold"], np.maximum(before, 0), 0)
    assert np.allclose(one.encode(torch.from_numpy(x)).numpy(), features, atol=1e-6)
    out = features @ given["W_dec"] + given["b_dec"]
    assert np.allclose(one(torch.from_numpy(x)).numpy(), out, atol=1e-5)
    np.savez(tmp_path / "other.npz", W_enc=given["W_enc"])
    with pytest.raises(ValueError, match="no b_enc and no W_dec"):
        SparseAutoencoder.load_gemma_scope(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(ValueError, match="no npz file"):
        SparseAutoencoder.load_gemma_scope(tmp_path / "text.npz")


# ---- streams


@pytest.mark.parametrize("name", [LLAMA, GPT2])
def test_block_output_is_what_leaves_the_block(name):
    model, ids = make_model(name, 0), torch.arange(3, 11).reshape(2, 4)
    for block in (0, 3):
        with record(model, [("block", block)]) as seen, torch.no_grad():
            model(ids)
        assert torch.equal(sae.block_output(model, ids, block), seen["block", block])
        assert not anatomy(model).blocks[block]._forward_hooks


def test_a_batch_depends_on_its_index_alone(small):
    def stream():
        return ActivationStream(*small, 1, sentences, batch_size=4, held=5, passes=2, seed=3)

    one = stream()
    batches = [one.batch(i) for i in range(12)]
    again = stream()
    assert torch.equal(again.batch(7), batches[7])
    assert torch.equal(again.batch(2), batches[2])
    once, twice = (torch.cat(batches[i : i + 5]) for i in (0, 5))
    assert not torch.equal(once, twice)
    assert torch.equal(once.sort(dim=0).values, twice.sort(dim=0).values)
    assert one.memory == 4 * 5 * 16 * 4


def test_a_stream_holds_the_activations_of_the_texts_without_special_tokens(small):
    model, tokenizer = small
    every = 20 * sum(len(text.split()) for text in SENTENCES)
    stream = ActivationStream(model, tokenizer, 2, sentences, batch_size=every, held=1)
    wanted = []
    for text in SENTENCES:
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        wanted.append(sae.block_output(model, ids, 2)[0, 1:])  # behind the token that begins it
    wanted = torch.cat(wanted).float()
    exact = "donot_use_mm_for_euclid_dist"
    distances = torch.cdist(stream.batch(0), wanted, compute_mode=exact)
    assert distances.min(dim=1).values.max() < 1e-3
    assert distances.min(dim=0).values.max() < 1e-3


def test_long_documents_are_in_a_buffer_that_not_all_fit_into(small):
    model, tokenizer = small
    stream = ActivationStream(model, tokenizer, 0, sentences, batch_size=120, held=1)
    ids = tokenizer(max(SENTENCES, key=len), return_tensors="pt")["input_ids"]
    last = sae.block_output(model, ids, 0)[0, -1].float()
    assert (stream.batch(0) - last).abs().amax(1).min() < 1e-4


def test_a_stream_refuses_too_few_documents_and_other_blocks(small):
    with pytest.raises(ValueError, match="blocks are 0 to 3"):
        ActivationStream(*small, 4, sentences)
    few = ActivationStream(*small, 1, lambda fill: iter(SENTENCES), batch_size=100, held=2)
    with pytest.raises(ValueError, match="give more documents"):
        few.batch(0)


# ---- training


def planted(rows=4000, d=8, n=12):
    """Sums of two or three of n directions, each with a size of its own."""
    torch.manual_seed(0)
    atoms = F.normalize(torch.randn(n, d), dim=-1)
    on = torch.rand(rows, n) < 0.15
    return (on * (1 + torch.rand(rows, n))) @ atoms, atoms


def test_training_finds_planted_directions():
    x, atoms = planted()
    found = train(Rows(x, 256), 16, TOPK, k=3, steps=600, learning_rate=1e-2)
    cosines = F.normalize(found.W_dec, dim=-1) @ atoms.T
    assert (cosines.max(0).values > 0.9).float().mean() > 0.7
    assert torch.allclose(found.W_dec.norm(dim=-1), torch.ones(16), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "how"), [(L1, {"sparsity": 0.5}), (TOPK, {"k": 3}), (JUMPRELU, {"sparsity": 0.1})]
)
def test_every_activation_learns_and_goes_on_from_its_checkpoint(tmp_path, kind, how):
    x, _ = planted(500)
    how = {"latents": 16, "activation": kind, "steps": 40, "learning_rate": 1e-2} | how
    whole = train(Rows(x, 64), **how)
    path = tmp_path / "run" / "checkpoint.pt"
    train(Rows(x, 64), **how, checkpoint=path, until=15)
    parts = train(Rows(x, 64), **how, checkpoint=path)
    assert all(
        torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True)
    )
    start = Training(Rows(x, 64).batch(0), **how).finished()
    assert (x - whole(x)).square().sum() < 0.7 * (x - start(x)).square().sum()
    with pytest.raises(ValueError, match="other settings"):
        train(Rows(x, 64), **how | {"seed": 1}, checkpoint=path)


def test_a_finished_sae_reads_inputs_of_their_own_scale():
    x, _ = planted(500)
    training = Training(1000 * x[:64], 16, TOPK, k=3, steps=5)
    training.step(1000 * x[:64])
    scaled = training.finished()(1000 * x) / training.scale
    assert torch.allclose(scaled, training.sae(1000 * x / training.scale), atol=1e-4)


def test_training_leaves_the_random_state_alone():
    x, _ = planted(200)
    before = torch.get_rng_state()
    train(Rows(x, 32), 8, TOPK, k=2, steps=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_dead_latents_are_woken(monkeypatch):
    x, _ = planted(2000)
    left = {}
    for after in (10**9, 200):
        monkeypatch.setattr(sae, "DEAD_AFTER", after)
        training = Training(x[:64], 64, TOPK, k=2, steps=300, learning_rate=1e-2)
        training.sae.b_enc.data[:40] = -5
        for i in range(300):
            training.step(Rows(x, 64).batch(i))
        left[after] = int((training.finished().encode(x) > 0).any(0)[:40].sum())
    assert left[200] > left[10**9] + 10


@pytest.mark.parametrize("how", [{"activation": TOPK, "k": 2, "sparsity": 1.0}, {"activation": L1}])
def test_a_penalty_that_does_not_fit_is_refused(how):
    with pytest.raises(ValueError, match="sparsity is"):
        Training(torch.randn(8, 3), 4, **how)


def test_adam_keeps_nothing_along_the_rows():
    torch.manual_seed(0)
    W = torch.nn.Parameter(F.normalize(torch.randn(5, 4), dim=-1))
    optimizer, start = torch.optim.Adam([W], lr=0.1), W.detach().clone()
    W.grad = torch.randn(5, 4) + 3 * start
    sae.normalized_step(W, optimizer)
    average = optimizer.state[W]["exp_avg"]
    assert (average * start).sum(-1).abs().max() < 1e-6
    assert average.norm() > 0.01
    assert torch.allclose(W.norm(dim=-1), torch.ones(5))


# ---- measuring


class Whole(SparseAutoencoder):
    """Reconstructs everything."""

    def encode(self, x):
        return x

    def decode(self, features):
        return features


def test_quality_of_everything_and_of_nothing(small):
    model, tokenizer = small
    model = copy.deepcopy(model)
    everything = Whole(16, 16, L1).double()
    found = quality(model, tokenizer, everything, 1, SENTENCES)
    assert found.loss_recovered == pytest.approx(1)
    assert found.fvu == pytest.approx(0)
    assert found.l0 == 16
    assert found.tokens == sum(len(text.split()) for text in SENTENCES)
    nothing = SparseAutoencoder(16, 8, L1).double()
    nothing.b_enc.data -= 1e9
    ids = [tokenizer(t, return_tensors="pt")["input_ids"] for t in SENTENCES]
    rows = torch.cat([sae.block_output(model, i, 1)[0, 1:] for i in ids])
    nothing.b_dec.data = rows.mean(0)
    found = quality(model, tokenizer, nothing, 1, SENTENCES)
    assert (found.l0, found.dead) == (0, 1)
    assert found.fvu == pytest.approx(1)
    assert found.loss_of_reconstruction == pytest.approx(found.loss_of_mean)
    with pytest.raises(ValueError, match="two tokens in a row"):
        quality(model, tokenizer, nothing, 1, ["the"])


def test_firings_are_the_strongest_latents(small):
    model, tokenizer = small
    torch.manual_seed(1)
    one = SparseAutoencoder(16, 12, TOPK, 3).double().requires_grad_(False)
    read = sae.firings(model, tokenizer, one, 1, SENTENCES)
    assert read.tokens[3] == ["<|begin|>", "she", " was"]
    for doc, text in enumerate(SENTENCES):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        features = one.encode(sae.block_output(model, ids, 1))[0]
        features[0] = 0  # a special token
        for latent in range(12):
            seen = read.of(latent)[doc]
            assert torch.allclose(seen[: len(features)].double(), features[:, latent], rtol=1e-4)
            assert not seen[len(features) :].any()
    assert read.counts(12).sum() == (read.values > 0).sum()


def test_detections_count():
    values = torch.tensor([[[2.0], [0.0], [1.0]], [[1.0], [3.0], [0.0]]])
    latents = torch.tensor([[[0], [0], [1]], [[0], [1], [1]]])
    read = sae.Firings(["", ""], [[], []], torch.tensor([3, 3]), values, latents)
    concept = torch.tensor([[True, True, False], [False, True, False]])
    precision, recall = sae.detections(read, concept, 3)
    assert torch.allclose(precision, torch.tensor([1 / 2, 1 / 2, 0]))
    assert torch.allclose(recall, torch.tensor([1 / 3, 1 / 3, 0]))
    assert sae.Detection(0.5, 1.0).f1 == pytest.approx(2 / 3)


def test_a_probe_is_ridge_regression_on_the_classes():
    x, _ = planted(60)
    y = torch.arange(60) % 3
    penalty = 0.3 * (x - x.mean(0)).square().sum(0).mean().double()
    rows = torch.cat([(x - x.mean(0)).double(), penalty.sqrt() * torch.eye(8).double()])
    targets = F.one_hot(y).double()
    wanted = torch.cat([targets - targets.mean(0), torch.zeros(8, 3).double()])
    W = torch.linalg.lstsq(rows, wanted).solution
    scores = (x - x.mean(0)).double() @ W + targets.mean(0)
    assert torch.allclose(sae.ridge_scores(x, y, penalty=0.3)(x), scores, atol=1e-6)
    assert torch.equal(sae.ridge_probe(x, y, penalty=0.3)(x), scores.argmax(-1))


# ---- dictionaries


def test_itda_describes_what_it_was_given():
    x, _ = planted(400)
    found = ITDA.fit(x, k=8, tolerance=0.05, together=16)
    left = (x - found(x)).square().sum(-1) / (x - x.mean(0)).square().sum(-1)
    assert (left < 0.06).float().mean() > 0.9
    assert found.d_sae == len(found.sources) < len(x) / 4
    chosen = F.normalize(x[list(found.sources)] - x.mean(0), dim=-1)
    assert torch.allclose(found.atoms, chosen)
    assert ITDA.fit(x, k=8, tolerance=0.05, most=5).d_sae == 5
    assert ((found.encode(x) != 0).sum(-1) <= 8).all()


def test_itda_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="tolerance is 1"):
        ITDA.fit(torch.randn(3, 2), k=1, tolerance=1)
    with pytest.raises(ValueError, match="no activations"):
        ITDA.fit(torch.randn(0, 2), k=1, tolerance=0.1)


def test_jaccard():
    assert sae.jaccard([1, 2, 3], [3, 2, 9]) == 0.5
    assert sae.jaccard([], []) == 1


# ---- the one that ships


def test_the_shipped_sae_clears_its_bars(bundled):
    documents = list(corpus.texts(987_654, 30))
    found = quality(*bundled, load_sae(), BLOCK, documents)
    assert found.loss_recovered >= 0.95
    assert found.l0 <= 32
    assert math.isfinite(found.fvu) and found.fvu < 0.1


def test_the_shipped_sae_is_small_wide_and_of_these_weights():
    tensors = load_file(FOLDER / "sae_weights.safetensors")
    size = sum(file.stat().st_size for file in FOLDER.iterdir())
    assert size <= 4_000_000
    assert tensors["W_dec"].shape[0] >= 8 * tensors["W_dec"].shape[1]
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    one = load_sae()
    assert one.metadata["model_sha256"] == course_lm.weights_sha256()
    assert (one.W_dec.norm(dim=-1) - 1).abs().max() < 2e-3
    card = command.CARD.read_text()
    assert one.metadata["model_sha256"] in card
    assert f"k = {one.k} " in card


def test_the_command_trains_stops_and_goes_on(tmp_path, capsys):
    tiny = ["--latents", "64", "--k", "4", "--steps", "4", "--batch-size", "32", "--held", "2"]
    places = ["--run", str(tmp_path / "run"), "--out", str(tmp_path / "sae"), "--documents", "4"]
    assert command.main([*tiny, *places, "--until", "2"]) == 0
    assert not (tmp_path / "sae").exists()
    command.main([*tiny, *places])
    assert SparseAutoencoder.load(tmp_path / "sae").d_sae == 64
    assert "loss recovered" in (tmp_path / "sae" / "MODEL_CARD.md").read_text()
    other = command.main([*tiny, *places, "--seed", "5"])
    assert other == 2
    assert "other settings" in capsys.readouterr().err


# ---- the world's labels


def test_texts_carry_what_they_are_about():
    found = labels.labeled_texts(0, 2)
    assert found == labels.labeled_texts(0, 2) != labels.labeled_texts(1, 2)
    assert {skill for concepts, _ in found for skill in concepts} >= set(labels.CONCEPTS)
    saga = next(text for concepts, text in found if "saga" in concepts)
    assert labels.kind_of(saga, labels.KINDS["registers"]) == "saga"


def test_questions_wait_for_an_answer():
    asked = labels.questions(["landmark_city"], 5, "answer")
    assert len(asked) == 5
    assert all(not prompt.endswith((" ", label)) for prompt, label, _ in asked)
    assert all(len(row) == 3 for row in labels.openings("sentiment", 3))
