"""An hour of 429 on the daemon's clock: one question a reset, however many share the credential; then all goes on in order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.simulators.common import Fault
from tests.stories.breaking import mends
from tests.stories.conftest import noon, opening
from tests.stories.daemon import daemon
from tests.stories.days import ROLLING
from tests.stories.pagers import Pager
from tests.stories.story import Story, story

VENDORS = ("google", "outlook", "pagerduty", "pagerduty_v3")


@pytest.fixture
def told(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """Nothing was exported yet."""
    with opening(request.param, request, tmp_path)(noon()) as place:
        yield story(place, tmp_path, monkeypatch, exported=False)


def throttled(told: Story, reset: int) -> None:
    headers = {"Retry-After": str(reset), "ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": str(reset)}
    path = "^(?!.*token)"
    told.place.there.faults.add(Fault(path=path, status=429, headers=headers, times=None))  # type: ignore[attr-defined]


def beside(told: Story, number: int) -> str:
    """Another destination with the same credential; of a pager, another schedule."""
    text, place = told.destination(f"more{number}", told.place, refresh="30s"), told.place
    if isinstance(place, Pager):
        place.there.account.add_schedule(f"More {number}", f"PMORE{number}", kind=place.schedule.kind)
        text = text.replace(f"schedule: {place.id}", f"schedule: PMORE{number}")
    return text


@pytest.mark.parametrize(
    "told", ["google", "pagerduty", *(pytest.param(x, marks=pytest.mark.long) for x in VENDORS[1::2])], indirect=True
)
@pytest.mark.parametrize("reset", [pytest.param(20, marks=pytest.mark.long), 60], ids=["waited for", "next cycle"])
@pytest.mark.parametrize("many", [pytest.param(1, marks=pytest.mark.long), 3])
def test_an_hour_of_refusals_is_one_question_a_reset(told: Story, reset: int, many: int) -> None:
    told.write(more="".join(beside(told, number) for number in range(1, many)), refresh="30s")
    with capture_logs(), daemon(told) as running:  # its log would stand among the commands' answers
        running.passes(120)
        throttled(told, reset)
        told.place.forget()
        running.passes(3600)
        calls = [call for call in told.place.calls() if call != "token"]
        assert len(calls) <= many * 3600 // reset + many
        if told.place.pager:
            assert len(calls) <= 3600 // reset + 1, "those who share a credential ask one after the other"
        mends(told.place)
        told.override("eve", "13T09", "14T09")
        running.passes(180)
    assert "eve 13T09 14T09" in told.shown()


@pytest.mark.parametrize("told", VENDORS, indirect=True)
def test_a_refusal_in_the_middle_of_a_plan_keeps_what_was_done_and_the_rest_goes_on_in_order(told: Story) -> None:
    headers = {"Retry-After": "3600", "ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "3600"}
    there = told.place.there  # type: ignore[attr-defined]
    there.faults.add(
        Fault(
            method="POST",
            path="/(events|overrides|custom_shifts)$",
            first=2 if told.place.stacked else 3,
            times=None,
            status=429,
            headers=headers,
        )
    )
    assert told.attempt() == 1
    done = told.refs()
    assert len(done) in (2, 5), "two events or shifts, or one call's overrides"
    assert told.attempt() == 1
    assert told.refs() == done
    mends(told.place)
    told.pass_time(1)
    told.export()
    assert told.shown() == [line.replace("11T12", "11T13") for line in ROLLING]
    assert done.items() <= told.refs().items()
    told.nothing_to_do()
