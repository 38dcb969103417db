"""What the build writes from the course's public address: the first code cell, and the badge.

The address is `Repository` in [project.urls] of pyproject.toml; it may be missing.
"""

import re
import tomllib
from pathlib import Path

_CELL = """\
import importlib.util
import sys
from pathlib import Path

# Finds the helper package. The torch that is installed here stays as it is.
if importlib.util.find_spec("course_utils") is None:
    if (Path.cwd().parent / "course_utils").is_dir():
        sys.path.insert(0, str(Path.cwd().parent))
{install}    else:
        raise ModuleNotFoundError(
            "This Python has no course_utils: open the notebook with `make lab`, or run "
            "`pip install -e .` in the workbook's folder and restart the kernel."
        )

import torch

_ = torch.manual_seed(0)"""

_INSTALL = """\
    elif "google.colab" in sys.modules:
        %pip install --quiet --no-deps git+{address}
        %pip install --quiet jaxtyping
"""


def address(root: Path) -> str | None:
    """The public address, or None while it is not set."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def cell_source(address: str | None) -> str:
    """The first code cell of every notebook: finds the helper package, in Colab installs it."""
    return _CELL.format(install=_INSTALL.format(address=address) if address else "")


def badge(address: str | None, stem: str) -> str:
    """An "Open in Colab" badge in markdown. Empty unless the course is on GitHub: Colab's rule."""
    on_github = re.fullmatch(r"https://github\.com/([^/]+/[^/]+?)(\.git)?/?", address or "")
    if not on_github:
        return ""
    colab = "https://colab.research.google.com"
    notebook = f"{colab}/github/{on_github[1]}/blob/main/notebooks/{stem}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({notebook})"


def with_badge(readme: str, badge: str) -> str:
    """The README with `badge` between its two markers."""
    between = re.compile(r"(<!-- badge -->).*?(<!-- /badge -->)", re.DOTALL)
    return between.sub(lambda marks: f"{marks[1]}{badge}{marks[2]}", readme)
