"""Plain typed data over a pipe: frames with a length, JSON, tensors as dtype, shape and bytes.

No pickle, no ``eval``. Whatever a reader gets, it returns plain data or raises WireError.
"""

from __future__ import annotations

import base64
import json
import math
import os
import select
import struct
import time

CELL, WARDEN = b"c", b"w"  # the first byte of a message from the sandbox: who wrote it
COURSE = "/course"  # where the sandbox sees the room
LONGEST = 32 * 2**20  # bytes of one frame
MOST_VALUES = 500_000  # in one frame; a tensor is one
DEPTH = 16
INT_BITS = 10_000  # a longer int is described
DIMENSIONS, LARGEST_DIMENSION = 12, 10**8
DTYPES = (
    "bool,uint8,int8,int16,int32,int64,float16,bfloat16,float32,float64,complex64,complex128"
).split(",")


class WireError(ValueError):
    """What came over the pipe is not what the protocol allows."""


class Closed(WireError):
    """The other side is gone."""


class Late(WireError):
    """The other side did not answer in time."""


def dumps(value: object) -> bytes:
    """The bytes of a value made of None, bools, numbers, strings, lists, dicts and tensors.

    Keys are strings or indices, others become text. A value of any other kind, or one nested too
    deep, becomes a description of its type.
    """
    return json.dumps(_pack(value, DEPTH)).encode()


def _pack(value: object, depth: int) -> object:
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is int:
        return value if value.bit_length() < INT_BITS else _description(value)
    if depth and type(value) in (list, tuple):
        return [_pack(item, depth - 1) for item in value]
    if depth and type(value) is dict:
        return {"dict": [[_key(key), _pack(item, depth - 1)] for key, item in value.items()]}
    if type(value).__name__ == "Tensor":
        return _pack_tensor(value)
    return _description(value)


def _key(key: object) -> str | int:
    return key if _is_index(key) else str(key)


def _is_index(key: object) -> bool:
    return type(key) is int and 0 <= key < MOST_VALUES


def _description(value: object) -> dict:
    name = type(value).__name__
    text = f"a {name}" if name != "int" else f"a whole number of {value.bit_length()} bits"
    return {"dict": [["type", name], ["text", text]]}


def _pack_tensor(tensor) -> dict:
    import torch

    flat = tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1)
    data = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    dtype = str(tensor.dtype).removeprefix("torch.")
    return {"tensor": [dtype, list(tensor.shape), base64.b64encode(data).decode()]}


def loads(data: bytes) -> object:
    """The value of some bytes. Raises WireError if they are none that ``dumps`` could give."""
    if sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise WireError("too many values")
    try:
        return _unpack(json.loads(data), DEPTH + 2)
    except WireError:
        raise
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise WireError(f"no plain data: {type(error).__name__}") from None


def _unpack(value: object, depth: int) -> object:
    if value is None or type(value) in (bool, int, float):
        return value
    if type(value) is str:
        return value.encode("utf-8", "replace").decode()
    if not depth:
        raise WireError("data nested too deep")
    if type(value) is list:
        return [_unpack(item, depth - 1) for item in value]
    if type(value) is dict and list(value) == ["dict"]:
        pairs = [(_unpack(key, 1), _unpack(item, depth - 1)) for key, item in value["dict"]]
        if not all(type(key) is str or _is_index(key) for key, _ in pairs):
            raise WireError("a key that is neither text nor an index")
        return dict(pairs)
    if type(value) is dict and list(value) == ["tensor"]:
        return _unpack_tensor(*value["tensor"])
    raise WireError("an object of an unknown kind")


def _unpack_tensor(dtype: str, shape: list, text: str):
    import torch

    if dtype not in DTYPES or type(shape) is not list or len(shape) > DIMENSIONS:
        raise WireError("a tensor of an unknown dtype or shape")
    if not all(type(n) is int and 0 <= n <= LARGEST_DIMENSION for n in shape):
        raise WireError("a tensor of an impossible shape")
    if math.prod(max(n, 1) for n in shape) > LONGEST:
        raise WireError("a tensor larger than a frame")
    kind = getattr(torch, dtype)
    data = bytearray(base64.b64decode(text, validate=True))
    if len(data) != math.prod(shape) * kind.itemsize:
        raise WireError("a tensor whose bytes do not fit its shape")
    if dtype == "bool" and any(byte > 1 for byte in set(data)):
        raise WireError("a truth value that is none")
    return (
        torch.frombuffer(data, dtype=kind).reshape(shape) if data else torch.empty(shape).to(kind)
    )


def send(descriptor: int, data: bytes) -> None:
    """Write one frame. Raises Closed if nobody reads."""
    left = memoryview(struct.pack(">I", len(data)) + data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError as error:
        raise Closed("the pipe is closed") from error


class Reader:
    """Reads frames from a descriptor, with a deadline for each."""

    def __init__(self, descriptor: int, longest: int = LONGEST):
        self.descriptor, self.longest, self._buffer = descriptor, longest, bytearray()

    def frame(self, seconds: float | None = None) -> bytes:
        """The next frame. Raises Late, Closed, or WireError for a frame that is too long."""
        end = None if seconds is None else time.monotonic() + seconds
        while (frame := self.poll(None if end is None else end - time.monotonic())) is None:
            if end is not None and time.monotonic() >= end:
                raise Late(f"no answer within {seconds:g} s")
        return frame

    def poll(self, seconds: float | None) -> bytes | None:
        """The next frame if it is complete once there was something to read, else None."""
        if (frame := self._complete()) is None:
            timeout = None if seconds is None else max(0.0, seconds)
            if select.select([self.descriptor], [], [], timeout)[0]:
                try:
                    data = os.read(self.descriptor, 2**16)
                except OSError as error:
                    raise Closed("the pipe is closed") from error
                if not data:
                    raise Closed("the pipe is closed")
                self._buffer += data
                frame = self._complete()
        return frame

    def _complete(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        (length,) = struct.unpack_from(">I", self._buffer)
        if length > self.longest:
            raise WireError(f"a frame of {length:,} bytes; the most is {self.longest:,}")
        if len(self._buffer) < 4 + length:
            return None
        frame = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return frame
