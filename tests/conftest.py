"""Rules of the whole test suite."""

import os
import signal
from pathlib import Path

import pytest

os.environ["COURSE_DEVICE"] = "cpu"  # a GPU does not change what the tests see
os.environ.pop("COURSE_LM", None)  # nor does another model

BROWSER = Path(__file__).parent / "browser"
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
NOT_SKIPPED_IN_CI = "in CI a browser test may not be skipped: "


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(BROWSER):
            item.add_marker("browser")


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where a shell has started the tests in background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if item.get_closest_marker("browser"):
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    if collector.path.is_relative_to(BROWSER):
        refuse_skip(report)
    return report


def refuse_skip(report) -> None:
    """In CI, turn a skip into a failure; an expected failure (xfail) stays what it is."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = NOT_SKIPPED_IN_CI + str(report.longrepr)
