"""The normal run tries the same examples for everybody: its coverage does not depend on luck. The long run seeks new ones."""

from __future__ import annotations

import signal
import sys

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.stories.story", "tests.shell.command_line")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: processes under test would not hear it either
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("same", derandomize=True, database=None)


def pytest_configure(config: pytest.Config) -> None:
    if config.option.markexpr == "not long":
        settings.load_profile("same")


KEPT = (("connectors.google_account", "_SIGNED_IN"), ("connectors.pagerduty_api", "_LANES"))
"""Tokens that a process keeps for whoever has the same credentials: a later test's server may be at an earlier one's port."""


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process has revealed is masked for its lifetime; each test is a process of its own in this."""
    from syncd.connector import Secret  # not before coverage has begun to count

    monkeypatch.setattr(Secret, "revealed", set())
    for module, tokens in KEPT:
        if module in sys.modules:
            monkeypatch.setattr(f"{module}.{tokens}", {})
