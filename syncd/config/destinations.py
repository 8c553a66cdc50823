"""Destinations: what each shows, how it is kept, and the options of its connector."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.config.agreement import check_pagers, check_room
from syncd.config.document import Node
from syncd.config.forms import NAME, SHARE, choice, duration, whole
from syncd.config.keys import REFERENCE
from syncd.config.names import Names
from syncd.config.options import Options
from syncd.config.problem import Report, Wrong
from syncd.config.settings import DAY, Destination
from syncd.config.shape import Form, Item, Key, Section, Shape, found, of, table_of
from syncd.core.mode import Limits, Mode, OnConflict, OnDeleted
from syncd.core.model import Rota

LIMITS = Shape(
    "limits",
    (
        Key(
            name="removals",
            form=whole(0, 100_000),
            default=3,
            shown="`3`",
            meaning="Removals without a successor that one cycle may do, however few entries there are.",
        ),
        Key(
            name="removal_share",
            form=SHARE,
            default=0.30,
            shown="`30%`",
            meaning="The same as a share of our own future entries; the larger of the two counts.",
        ),
    ),
)


def _options(node: Node, path: str, report: Report) -> Node:
    if node.kind != "mapping":
        raise Wrong(f"expected a mapping, found {found(node)}")
    return node


DESTINATION = Shape(
    "destination",
    (
        Key(name="kind", form=REFERENCE, required=True, meaning="Which connector serves it."),
        Key(name="schedule", form=REFERENCE, shown="the only schedule", meaning="The schedule it shows."),
        Key(name="role", form=REFERENCE, shown="the only role", meaning="The role it shows."),
        Key(
            name="mode",
            form=choice(Mode),
            default=Mode.AUTHORITATIVE,
            shown="`authoritative`",
            meaning="`authoritative`: the rota wins. `bidirectional`: edits to what we exported come back into the rota. "
            "`manual`: nothing is written until somebody asks.",
        ),
        Key(name="refresh", form=duration(1, 3_600), default=300, shown="`5m`", meaning="How often it is looked at."),
        Key(
            name="horizon",
            form=duration(3_600, 366 * DAY),
            default=30 * DAY,
            shown="`30d`",
            meaning="How far ahead shifts are exported.",
        ),
        Key(
            name="on_deleted",
            form=choice(OnDeleted),
            default=OnDeleted.RESTORE,
            shown="`restore`",
            meaning="Bidirectional, an entry was deleted there: put it back, import who is really on call, or wait for an ack.",
        ),
        Key(
            name="on_conflict",
            form=choice(OnConflict),
            default=OnConflict.ROTA,
            shown="`rota`",
            meaning="Bidirectional, both sides changed it, differently: who wins, or wait for an ack.",
        ),
        Key(
            name="protect_until",
            form=duration(0, 366 * DAY),
            meaning="What was exported before this horizon is left alone.",
        ),
        Key(name="limits", form=of(LIMITS), shown="as below", meaning="What one cycle may remove; more is held."),
        Key(
            name="options",
            form=Form("options of the kind", _options),
            shown="none",
            meaning="The connector's own settings, below.",
        ),
    ),
)
DESTINATIONS = table_of(of(DESTINATION), NAME, "name → destination")


def read_destinations(
    items: Mapping[str, Item], rota: Rota | None, names: Names, options: Options, *, look: bool
) -> dict[str, Destination]:
    """Every destination, those with problems as far as they go. `rota`: None where it comes from elsewhere."""
    destinations = {name: _destination(name, item.value, rota, names, options, look=look) for name, item in items.items()}
    check_pagers(destinations, items, options, names.report)
    if rota is not None:
        check_room(destinations, items, rota, options, names.report)
    return destinations


def _destination(name: str, section: Section, rota: Rota | None, names: Names, options: Options, *, look: bool) -> Destination:
    schedule, role = section["schedule"] or "", section["role"] or ""
    if rota is not None:
        schedule = _reference(section, "schedule", list(rota.schedules), names)
        if schedule in rota.schedules or "role" in section:
            layers = rota.schedules[schedule].layers if schedule else ()
            used = list(dict.fromkeys(one.role for one in layers if one.role))
            role = _reference(section, "role", used if len(used) == 1 else list(rota.roles), names)
    limits = section["limits"]
    destination = Destination(
        name=name,
        kind=section["kind"] or "",
        schedule=schedule,
        role=role,
        mode=section["mode"],
        refresh=section["refresh"],
        horizon=section["horizon"],
        on_deleted=section["on_deleted"],
        on_conflict=section["on_conflict"],
        protect_until=section["protect_until"],
        limits=Limits() if limits is None else Limits(removals=limits["removals"], removal_share=limits["removal_share"]),
        options=options.read(section) if look and section["kind"] else None,
    )
    _advise(destination, section, names.report)
    return destination


def _reference(section: Section, what: str, only: list[str], names: Names) -> str:
    if what in section:
        return names.of(what, section, what) or ""
    if len(only) == 1:
        return only[0]
    if what not in section.bad:
        section.error(
            names.report,
            what,
            f"the destination names no {what}, and there {'are several' if only else 'is none'}",
            f"add `{what}:`" + (f" with one of {', '.join(only[:8])}" if only else ""),
        )
    return ""


def _advise(destination: Destination, section: Section, report: Report) -> None:
    if destination.mode is Mode.BIDIRECTIONAL:
        section.warn(
            report,
            "mode",
            "`bidirectional` is a safety net while habits change, not a way of life",
            "make it authoritative once `status` counts no imported edits",
        )
        return
    for key in ("on_deleted", "on_conflict"):
        if key in section:
            section.warn(report, key, f"`{key}` means something only with `mode: bidirectional`", "take it away")
