"""What the commands that train the bundled models share."""

import dataclasses
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

S = TypeVar("S")


def parser(name: str, description: str, settings: type, out: Path) -> ArgumentParser:
    """Options of ``python -m course_utils.<name>.train``, one for each setting among them."""
    found = ArgumentParser(prog=f"python -m course_utils.{name}.train", description=description)
    found.add_argument("--run", type=Path, default=Path("runs") / name, help="checkpoints")
    found.add_argument("--out", type=Path, default=out, help="where the result goes")
    found.add_argument("--until", type=int, help="stop (resumable) after this step")
    for field in dataclasses.fields(settings):
        flag, kind = "--" + field.name.replace("_", "-"), type(field.default)
        found.add_argument(flag, type=kind, default=field.default, help="%(default)s")
    return found


def given(settings: type[S], options: Namespace) -> S:
    """The settings that the options name."""
    return settings(**{f.name: getattr(options, f.name) for f in dataclasses.fields(settings)})


def exit_code(run: Callable[[], int]) -> int:
    """That of `run`; 2, with a sentence, where it refuses what it was given; 130 where it was
    stopped."""
    try:
        return run()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from the last checkpoint.", file=sys.stderr)
        return 130
