"""What to tell whom of a drift: values, put in the outbox with what they tell of, one for each thing that happened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncd.core.drift import Drift, joined
from syncd.core.entry import Entry
from syncd.core.merge import Do, Tell
from syncd.core.model import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An event by a human's hand that shows exactly one known person where ours left a hole (rule 23)."""

    title: str
    person: str
    start: Instant
    end: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`id` is the same however often the same thing is seen (W6): destination, entry, value, and what was done."""

    id: str
    kind: Tell
    destination: str
    schedule: str
    role: str
    start: Instant
    end: Instant
    text: str
    """One sentence for a plan, people by id; times are left to whoever renders it in the reader's zone."""
    drift: str = ""
    """What happened, in the words of the table."""
    rota: tuple[str, ...] = ()
    """Who the rota has there."""
    had: tuple[str, ...] = ()
    """Whom the destination showed there: what `restore` brings back."""
    done: str = ""
    refs: tuple[str, ...] = ()
    also: tuple[Beside, ...] = ()
    """Of a hole: who covers it in events by a human's hand; what `restore` imports where `had` is nobody."""

    @property
    def restorable(self) -> bool:
        """Whether a human's value was displaced, so that it is kept for `restore` (I4)."""
        return self.kind in {Tell.CONFLICT, Tell.REMOVED}

    @property
    def imported(self) -> bool:
        """Whether the edit came into the rota."""
        return self.done == _DONE[Do.IMPORT]

    @property
    def waits(self) -> bool:
        """Whether a hold keeps it waiting, which tells of it with the command that answers it."""
        return self.done == _DONE[Do.HOLD]


_DONE = {
    Do.PUSH: "the rota was put back",
    Do.IMPORT: "the edit was imported into the rota",
    Do.WITHDRAW: "the import was withdrawn from the rota",
    Do.KEEP: "it was left as it is",
    Do.HOLD: "it waits for an answer",
    Do.SAME: "nothing was changed",
}


def notices(
    drifts: Iterable[Drift],
    *,
    destination: str,
    schedule: str,
    role: str,
    foreign: Sequence[Entry] = (),
) -> list[Notice]:
    """One for each stretch of drift that tells something. `foreign`: what stands there and is nobody's assignment."""
    out = []
    for d in joined(d for d in drifts if d.tell is not Tell.NOTHING):
        had = tuple(sorted(d.observed))
        also = _beside(d, foreign)
        rota = () if d.desired is None else (d.desired,)
        text = f"{d.words}: {_shown(had)} stands there, the rota has {_shown(rota)}; {_DONE[d.do]}"
        if also:
            titles = ", ".join(repr(one.title) for one in also)
            text += f"; beside it stands {titles}, which is no entry of ours: `syncd restore {_id(destination, d)}` takes it over"
        out.append(
            Notice(
                id=_id(destination, d),
                kind=d.tell,
                destination=destination,
                schedule=schedule,
                role=role,
                start=d.start,
                end=d.end,
                text=text,
                drift=d.words,
                rota=rota,
                had=had,
                done=_DONE[d.do],
                refs=tuple(r for r, _ in d.refs),
                also=also,
            )
        )
    return out


def _beside(d: Drift, foreign: Sequence[Entry]) -> tuple[Beside, ...]:
    if d.row not in {"6", "8"} or d.tell is not Tell.CONFLICT:
        return ()
    return tuple(
        Beside(title=e.title, person=e.person, start=e.start, end=e.end)
        for e in sorted(foreign, key=lambda e: (e.start, e.end, e.ref))
        if e.person is not None and e.start < d.end and d.start < e.end
    )


def _shown(people: tuple[str, ...]) -> str:
    return " and ".join(p.removeprefix("?") or "somebody unknown" for p in people) or "nobody"


def _id(destination: str, d: Drift) -> str:
    """Free of `now`: a stretch that is running is known by its end."""
    said = [
        destination,
        d.row,
        str(d.end),
        str(d.lane),
        "+".join(sorted(d.observed)),
        str(d.desired),
        d.do,
        *(f"{r} {v}" for r, v in d.refs),
        *d.since,
        *d.left,
    ]
    return hashlib.sha256("\0".join(said).encode("utf-8", "replace")).hexdigest()[:12]
