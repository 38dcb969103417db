"""Plain typed data over a pipe: a round trip, and whatever else might come."""

import json
import math
import os

import pytest
import torch

from course_utils.grading.inside import wire

TENSORS = [
    torch.tensor(3.5, dtype=torch.float64),
    torch.tensor([[1, 2], [3, 4]]).T,
    torch.tensor([True, False]),
    torch.randn(2, 3).bfloat16(),
    torch.tensor([1 + 2j]),
    torch.empty(0, 4),
    torch.empty_strided((1,), (2,)).fill_(5.0),
    torch.tensor([math.inf, -math.inf, 0.0, -0.0]),
]


@pytest.mark.parametrize("tensor", TENSORS, ids=lambda tensor: str(tensor.dtype))
def test_tensors_come_back_bit_for_bit(tensor):
    back = wire.loads(wire.dumps(tensor))
    assert back.dtype == tensor.dtype and back.shape == tensor.shape
    assert torch.equal(back, tensor)


def test_plain_values_come_back():
    value = {"a": [None, True, 3, -(2**80), 2.5, "ü\n", {"tensor": [1], "dict": []}], "": []}
    assert wire.loads(wire.dumps(value)) == value
    assert math.isnan(wire.loads(wire.dumps(math.nan)))
    assert wire.loads(wire.dumps((1, 2))) == [1, 2]
    assert wire.loads(wire.dumps({0: "a", -1: "b", 2.5: "c"})) == {0: "a", "-1": "b", "2.5": "c"}


def test_anything_else_is_described():
    class Odd(dict):
        pass

    back = wire.loads(wire.dumps([Odd(x=1), object, 10**5000]))
    assert [value["type"] for value in back] == ["Odd", "type", "int"]


BAD = [
    b"",
    b"\xff",
    b"{}",
    b'{"tensor": []}',
    b'{"tensor": ["float64", [2], "AAAA"]}',
    b'{"tensor": ["float64", [-1], ""]}',
    b'{"tensor": ["float64", [1e3], ""]}',
    b'{"tensor": ["object", [0], ""]}',
    b'{"tensor": ["float64", [99999999999999], ""]}',
    b'{"tensor": ["float32", [100000000, 100000000, 100000000, 0], ""]}',
    b"[" + b"0," * wire.MOST_VALUES + b"0]",
    b'{"tensor": ["bool", [1], "Ag=="]}',
    b'{"tensor": ["float32", [1], "!!!!"]}',
    b'{"dict": [["a"]]}',
    b'{"dict": [[-1, 2]]}',
    b'{"dict": [[1.0, 2]]}',
    b'{"dict": [[1000000000000, 2]]}',
    b'{"dict": 3}',
    b'{"dict": [], "tensor": []}',
    b"[" * 10_000 + b"]" * 10_000,
    b"[" * 30 + b"]" * 30,
    b"1" * 5000,
    json.dumps({"__reduce__": "os.system"}).encode(),
]


@pytest.mark.parametrize("data", BAD, ids=lambda data: repr(data[:40]))
def test_what_dumps_could_not_give_is_refused(data):
    with pytest.raises(wire.WireError):
        wire.loads(data)


def test_half_a_character_does_not_reach_a_file():
    assert wire.loads(b'"\\ud800"').encode() == b"?"


@pytest.fixture
def pipe():
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            pass


def test_frames_come_one_by_one(pipe):
    reader = wire.Reader(pipe[0])
    for data in (b"one", b"", b"three"):
        wire.send(pipe[1], data)
    assert [reader.frame(1) for _ in range(3)] == [b"one", b"", b"three"]


def test_silence_a_long_frame_and_a_closed_pipe_are_errors(pipe):
    reader = wire.Reader(pipe[0], longest=10)
    with pytest.raises(wire.Late):
        reader.frame(0.01)
    os.write(pipe[1], b"\xff\xff\xff\xff")
    with pytest.raises(wire.WireError, match="the most is 10"):
        reader.frame(1)
    os.close(pipe[1])
    with pytest.raises(wire.Closed):
        wire.Reader(pipe[0]).frame(1)
