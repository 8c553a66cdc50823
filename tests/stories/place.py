"""What a story may ask of a destination and do to it, whichever connector serves it: what stands, human hands, the calls made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import ClassVar

import pytest

from tests.simulators.common import Clock
from tests.stories.days import NAMES, Standing, pieces

TITLE = "{}: Primary"


def titled(who: str) -> str:
    """What a calendar says where `who` is on."""
    return TITLE.format(NAMES.get(who, who))


def named(title: str) -> str:
    """The person whom a title of ours names, or the title."""
    return next((who for who, name in NAMES.items() if title == TITLE.format(name)), title)


class Place(ABC):
    """A destination with nothing in it. A hand that nobody has there skips the test."""

    kind: ClassVar[str]
    pager: ClassVar[bool] = False
    """Whoever it shows is paged, so that what people put there counts."""
    stacked: ClassVar[bool] = False
    """Nothing there is ever changed: who comes later lies on top."""
    look: ClassVar[Sequence[str]] = ("read",)
    """The calls of a cycle with nothing to do."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.by_hand: set[str] = set()
        """Refs of what people put there."""
        self.frames: list[list[Standing]] = []
        """What stood before each write."""
        self._seeing = Lock()

    # --- what there is -----------------------------------------------------------------------

    @abstractmethod
    def options(self, folder: Path) -> str:
        """Those of a destination that is this place, as YAML; files that they name are written into `folder`."""

    @abstractmethod
    def standing(self) -> list[Standing]:
        """Everything, in the order of time, seen around syncd."""

    @abstractmethod
    def calls(self) -> list[str]:
        """`token`, `people`, `read`, `create`, `replace`, `delete`: every call that arrived since `forget`, in its order."""

    @abstractmethod
    def forget(self) -> None:
        """The journal of calls starts anew."""

    def writes(self) -> list[str]:
        return [call for call in self.calls() if call in ("create", "replace", "delete")]

    def shown(self, standing: Sequence[Standing] | None = None) -> list[tuple[int, int, str]]:
        """Who is on call when, as a reader of the destination would say."""
        things = self.standing() if standing is None else standing
        return pieces((one for one in things if self.pager or not one.by_hand), stacked=self.stacked)

    def about_to_write(self) -> None:
        """For the place itself: called before each write is done."""
        with self._seeing:
            self.frames.append(self.standing())

    # --- hands -------------------------------------------------------------------------------

    def give(self, thing: Standing, who: str) -> None:
        """To somebody else: another title, another member, or an override on top."""
        pytest.skip("nobody can do that here")

    def move(self, thing: Standing, start: int, end: int) -> None:
        pytest.skip("nobody can move an entry here")

    def delete(self, thing: Standing) -> None:
        pytest.skip("nobody can delete here")

    def add(self, who: str, start: int, end: int) -> str:
        """Beside or on top of ours; its ref."""
        pytest.skip("nobody can add anything here")

    def copy(self, thing: Standing) -> str:
        """With all the marks that we put on it; its ref."""
        pytest.skip("nothing can be copied here")

    def strip(self, thing: Standing) -> None:
        """Another program forgets our marks."""
        pytest.skip("there are no marks here")

    def put_back(self, thing: Standing) -> None:
        """Out of the bin, as it was."""
        pytest.skip("there is no bin here")

    def hand(self, ref: str) -> str:
        self.by_hand.add(ref)
        return ref
