"""How a plan, and what became of it, is told: a table for people, the shapes of DESIGN.md section 8 for programs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from syncd.cli import say, watched
from syncd.cli.session import Session
from syncd.cli.show import as_json, between, parse, safe, table, when
from syncd.core.merge import TABLE
from syncd.cycle import Report
from syncd.cycle import show as cycle_show

if TYPE_CHECKING:
    from syncd.config.settings import Destination

SHOWN = 6
"""Lines of what was done that a person reads; JSON has all."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one destination in this command."""

    settings: Destination
    report: Report | None = None
    error: Exception | None = None
    done: bool = False
    """Something was to be done, not only shown."""

    @property
    def complete(self) -> bool:
        return self.error is None and self.report is not None and self.report.complete

    @property
    def digest(self) -> str | None:
        return self.report.decision.plan.digest if self.report and self.report.decision else None

    @property
    def empty(self) -> bool:
        decision = self.report.decision if self.report else None
        return decision is not None and decision.plan.empty and not decision.whole


def tell(session: Session, results: list[Result]) -> None:
    """The plans, or what became of them; for people, errors to stderr: in JSON each stands at its destination."""
    if session.json:
        as_json([_json(one, session.now) for one in results])
        return
    if not results:
        click.echo("no destinations")
    else:
        for one in results:
            _text(session, one)
    for one in results:
        if said := _failure(one, session.now):
            say(f"syncd: {one.settings.name}: {said}")


def _failure(one: Result, now: int) -> str:
    """Why a destination's part was not done, or not all of it."""
    if one.error is not None:
        after = getattr(one.error, "after", None)
        said = f"; it asks us to wait {after:.0f} s" if after else ""
        kind = "" if _ours(one.error) else f"{type(one.error).__name__}: "
        return f"{kind}{one.error}{said}"
    if one.report is None:
        return ""
    if one.report.stale:
        return "the plan is no longer the one asked for: nothing was done"
    failed = one.report.failed
    why = next((str(answer.error) for answer in failed if answer.error is not None and _ours(answer.error)), "no answer")
    return f"{len(failed)} of {len(_changes(one, now))} changes were not done: {why}" if failed else ""


def progress(name: str) -> Callable[[int, int], None]:
    """How far a destination is, on a terminal, for anything over a second."""
    begin = time.monotonic()
    shown = watched()

    def tell_progress(done: int, of: int) -> None:
        if shown and time.monotonic() - begin > 1.0:
            click.echo(f"\r{name}: {done} of {of}" + ("\n" if done == of else ""), nl=False, err=True)

    return tell_progress


def _ours(error: Exception) -> bool:
    """Whether its text is a sentence for the admin."""
    return type(error).__module__.startswith("syncd.")


def _json(one: Result, now: int) -> dict[str, Any]:
    decision = one.report.decision if one.report else None
    said: dict[str, Any] = {
        "destination": one.settings.name,
        "mode": str(one.settings.mode),
        "digest": one.digest,
        "changes": _changes(one, now),
        "pulls": [cycle_show.pull(pulled, one.settings.role) for pulled in decision.plan.pulls] if decision else [],
        "left": cycle_show.left(decision.plan.drifts) if decision else [],
        "notices": [cycle_show.notice_shown(notice) for notice in decision.notices] if decision else [],
    }
    if one.report is not None and one.done:
        said["run"] = one.report.run
    if decision is not None and decision.whole:
        said["held"] = decision.whole
    if failure := _failure(one, now):
        said["error"] = failure
    return said


def _changes(one: Result, now: int) -> list[dict[str, Any]]:
    """Planned ones in the order of the plan, then what later looks of the same run added."""
    report = one.report
    if report is None or report.decision is None:
        return []
    outcomes: dict[Any, str] = {}
    changes = {_identity(change): change for change in report.decision.plan.changes}
    for answer in report.answers:
        changes.setdefault(_identity(answer.call.change), answer.call.change)
        outcomes[_identity(answer.call.change)] = cycle_show.outcome(answer.outcome)
    told = []
    for identity, change in changes.items():
        outcome = outcomes.get(identity) or ("held" if change.status.value == "held" else "waiting")
        told.append(cycle_show.change(change, now, outcome if one.done else None))
    return told


def _identity(change: Any) -> tuple[Any, ...]:
    return change.action, change.key, change.ref, change.before, change.after


def _text(session: Session, one: Result) -> None:
    decision = one.report.decision if one.report else None
    head = click.style(one.settings.name, bold=True) + f" ({one.settings.mode})"
    if decision is None:
        click.echo(f"{head}: {'not done' if one.done else 'unknown'}")
        return
    changes = _changes(one, session.now)
    if decision.whole:
        click.echo(f"{head}: held: {decision.whole}; `syncd holds` shows it")
        return
    if not changes and not decision.plan.pulls:
        click.echo(f"{head}: nothing to do{' until what is held is answered' if decision.holds else ''}")
    else:
        click.echo(f"{head}: {_count(changes, one.done)}, plan {one.digest}")
    zone = session.rota.schedules[one.settings.schedule].timezone
    rows = []
    for change in changes:
        value = change["after"] or change["before"]
        state = change.get("outcome") or change["status"]
        rows.append(
            (f"  {change['action']}", _who(session, change), *_times(value, zone), change["drift"], state, change["reason"])
        )
    for pulled in decision.plan.pulls:
        names = ", ".join(session.name(person) for person in pulled.people) or "nobody"
        rows.append(("  import", names, when(pulled.start, zone), when(pulled.end, zone), TABLE[pulled.row].drift, "", ""))
    if one.done and len(rows) > SHOWN + 1:  # one more is shown rather than counted
        # What went well is summed up; whatever did not is shown whole.
        well = [row for row in rows if row[5] == "applied"]
        rows = [*(row for row in rows if row[5] != "applied"), *well[:SHOWN]]
        more = len(well) - len(well[:SHOWN])
    else:
        more = 0
    if rows:
        table(("  change", "on call", "from", "to", "because", "", ""), rows)
    if more:
        click.echo(f"  … and {more} more")
    for hold in decision.holds:
        click.echo(safe(f"  held until `syncd ack`: {hold.reason}; `syncd holds` has its digest"))
    for kept in cycle_show.left(decision.plan.drifts):
        times = between(parse(kept["start"]), parse(kept["end"]), zone)
        click.echo(f"  left as it is: {safe(', '.join(map(session.name, kept['people'])))}, {times}: {kept['drift']}")


def _count(changes: list[dict[str, Any]], done: bool) -> str:
    counts: dict[str, int] = {}
    for change in changes:
        state = change.get("outcome") if done else change["status"]
        key = change["action"] if state in ("now", "applied") else f"{change['action']} {state}"
        counts[key] = counts.get(key, 0) + 1
    return ", ".join(f"{count} × {action}" for action, count in counts.items()) or "imports only"


def _times(value: dict[str, Any] | None, zone: str) -> tuple[str, str]:
    return ("–", "–") if value is None else (when(parse(value["start"]), zone), when(parse(value["end"]), zone))


def _who(session: Session, change: dict[str, Any]) -> str:
    before, after = (value["person"] if value else None for value in (change["before"], change["after"]))
    names = [session.name(one) for one in (before, after) if one]
    return " → ".join(dict.fromkeys(names)) or "somebody unknown"
