"""Scenes and captions; how the model of texts and pictures is trained; the one that ships."""

import hashlib
import json
import math
import random
import re

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from scipy import ndimage

from course_utils.course_clip import FOLDER, evaluate, load_clip, scenes
from course_utils.course_clip.scenes import COLORS, SIZE, Group, Scene
from course_utils.course_clip.train import (
    Run,
    Settings,
    batch_inputs,
    batch_scenes,
    embed,
    main,
    processor,
    tokenizer,
)
from course_utils.models import ModelError

TINY = dict(
    steps=8, batch=8, family=4, width=16, projection=8, text_blocks=1, image_blocks=1, heads=2,
    warmup=2,
)  # fmt: skip


def shapes_in(pixels, color):
    """Bounding boxes (rows, columns) of the connected pieces near a color."""
    near = np.abs(pixels.astype(int) - COLORS[color]).sum(-1) < 60
    return ndimage.find_objects(ndimage.label(near)[0])


def test_captions():
    scene = Scene(Group(1, "red", "circle"), "above", Group(2, "blue", "square"))
    assert scene.captions == (
        "a red circle above two blue squares",
        "two blue squares below a red circle",
    )
    assert Scene(Group(3, "green", "star")).captions == ("three green stars",)


@pytest.mark.parametrize("axis, relation", list(enumerate(scenes.RELATIONS)))
def test_a_scene_looks_as_its_caption_says(axis, relation):
    rng = random.Random(0)
    for count, other in [(1, 1), (2, 3), (3, 1), (1, 2)] * 5:
        scene = Scene(Group(count, "red", "circle"), relation, Group(other, "blue", "square"))
        pixels = scenes.pixels(scene, rng)
        red, blue = shapes_in(pixels, "red"), shapes_in(pixels, "blue")
        assert (len(red), len(blue)) == (count, other)
        middles = [[(box[axis].start + box[axis].stop) / 2 for box in x] for x in (red, blue)]
        assert max(middles[0]) < min(middles[1])
        across = [
            [(box[1 - axis].start + box[1 - axis].stop) / 2 for box in x] for x in (red, blue)
        ]
        apart = max(across[0]) < min(across[1]) - 6 or max(across[1]) < min(across[0]) - 6
        assert not apart, "another relation holds as well"


def test_pairs_are_all_different_and_a_fifth_is_held_out():
    pairs = scenes.pairs()
    assert len(pairs) == len(set(pairs)) == 72 * 69 * 2
    assert 0.18 < np.mean([scene.is_held_out for scene in pairs]) < 0.22
    gallery = scenes.gallery(300)
    assert len(set(gallery)) == 300 and all(scene.is_held_out for scene in gallery)
    with pytest.raises(ValueError, match="there are"):
        scenes.gallery(10_000)


def test_a_batch_has_different_scenes_in_families_and_none_that_is_held_out():
    settings = Settings(**TINY | {"batch": 64})
    chosen = batch_scenes(settings, 3)
    assert len(set(chosen)) == 64 and not any(scene.is_held_out for scene in chosen)
    assert chosen == batch_scenes(settings, 3) != batch_scenes(settings, 4)
    assert all(scenes.is_scene(scene) for scene in chosen)
    related = [set(scenes.neighbors(a)) & set(chosen) - {a} for a in chosen]
    assert np.mean([bool(x) for x in related]) > 0.6


def test_every_word_of_a_caption_has_a_token():
    words = tokenizer()
    for scene in scenes.gallery(200):
        for caption in scene.captions:
            ids = words(caption).input_ids
            assert words.unk_token_id not in ids and len(ids) == len(caption.split()) + 2
    assert words.unk_token_id in words("a purple cow").input_ids


def test_training_sees_pictures_as_the_processor_gives_them():
    scene = scenes.gallery(1)[0]
    values, captions = batch_inputs([scene], 0)
    image = scenes.Image.fromarray(scenes.pixels(scene, random.Random("inputs 0")))
    given = processor()(text=captions, images=image, return_tensors="pt")
    torch.testing.assert_close(given["pixel_values"], values, atol=1e-5, rtol=0)
    assert given["pixel_values"].shape == (1, 3, SIZE, SIZE)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("unbroken"), Settings(**TINY))
    run.train(checkpoint_every=math.inf)
    return run


def test_a_killed_run_goes_on_to_the_same_losses(unbroken, tmp_path):
    first = Run(tmp_path, Settings(**TINY))
    first.train(until=3)
    first.step()  # work that a kill loses
    resumed = Run(tmp_path, Settings(**TINY))
    assert len(resumed.losses) == 3
    resumed.train()
    assert resumed.losses == unbroken.losses


def test_the_exported_model_encodes_texts_and_pictures_as_the_trained_one(unbroken, tmp_path):
    unbroken.export(tmp_path / "weights")
    model = load_clip(tmp_path / "weights")
    chosen = scenes.gallery(4)
    pictures = [scenes.picture(scene, i) for i, scene in enumerate(chosen)]
    captions = [scene.caption for scene in chosen]
    values = processor()(images=pictures, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        images, texts = embed(unbroken.model.eval(), unbroken.words, values, captions)
    for inputs, expected in ((pictures, images), (captions, texts)):
        seen = model.encode(inputs, convert_to_tensor=True, show_progress_bar=False)
        assert torch.cosine_similarity(seen, expected).min() > 0.999
    hashes = json.loads((tmp_path / "weights" / "hashes.json").read_text())
    assert "modules.json" in hashes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weights"]


def test_bad_settings_and_another_run_are_refused(tmp_path, capsys):
    with pytest.raises(ValueError, match="steps is 0"):
        Settings(steps=0)
    with pytest.raises(ValueError, match="no multiple of family"):
        Settings(batch=10, family=4)
    Run(tmp_path, Settings(**TINY))
    assert main(["--run", str(tmp_path), "--seed", "2"]) == 2
    assert "name another folder with --run" in capsys.readouterr().err


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="course_clip.train"):
        load_clip(tmp_path)


# The model that ships


def test_the_weights_are_small_and_those_of_their_hashes_and_their_card():
    hashes = json.loads((FOLDER / "hashes.json").read_text())
    for name, digest in hashes.items():
        assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest, name
    weights = FOLDER / "model.safetensors"
    assert weights.stat().st_size <= 6 * 2**20
    assert {x.dtype for x in load_file(weights).values()} <= {torch.float16, torch.int64}
    card = evaluate.CARD.read_text()
    record = json.loads((FOLDER / "training.json").read_text())
    assert hashes["model.safetensors"] in card and f"{record['steps']} steps" in card
    assert len(record["losses"]) == math.ceil(record["steps"] / 20)


def test_the_card_clears_the_bar():
    rows = dict(re.findall(r"\| (.+), recall@5 \| ([\d.]+) \|", evaluate.CARD.read_text()))
    assert float(rows["caption"]) >= 0.9 and float(rows["picture"]) >= 0.9


def test_combinations_that_were_never_trained_are_found_among_300():
    results = evaluate.measure(load_clip(), 300)
    assert min(value for name, value in results.items() if "recall@5" in name) >= 0.9
