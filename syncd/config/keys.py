"""The keys that say the rota: people, roles, teams, schedules, layers, overrides. What they mean is SCHEDULES.md's."""

from __future__ import annotations

from dataclasses import replace

from syncd.config.document import Node
from syncd.config.forms import (
    DATE,
    DAY,
    EMAIL,
    END,
    MOMENT,
    NAME,
    PERSON_ID,
    START,
    TIME,
    TRUTH,
    ZONE,
    choice,
    duration,
    scalar,
    text,
    whole,
)
from syncd.config.hours import MASK, NEED, WINDOWS
from syncd.config.notices import NOTICES
from syncd.config.problem import Report, Wrong
from syncd.config.shape import Form, Key, Shape, either, found, items_of, of, one_of, table_of, values_of
from syncd.core.model import Advance, Approval, Boundary, Clock, Join, Overlap, Unit

YEAR = 366 * 86_400

REFERENCE = Form("id", lambda node, path, report: scalar(node, "an id"))
REASON = text(500, least=0, lines=True)
REFERENCES = items_of(REFERENCE, "list of ids")

HOLIDAYS = Shape(
    "holidays",
    (
        Key(name="country", form=text(2, least=2), meaning="Two letters (ISO 3166), such as `DE`."),
        Key(name="subdivision", form=text(10), meaning="Part of the country, such as `BE`."),
        Key(name="also", form=values_of(DATE), shown="none", default=(), meaning="Days of one's own."),
    ),
)
_HOLIDAYS = Key(
    name="holidays",
    form=of(HOLIDAYS),
    meaning="Public holidays, for `fairness`, warnings and calendars; they never move a shift.",
)

PERSON = Shape(
    "person",
    (
        Key(name="name", form=text(200), required=True, meaning="As people read it."),
        Key(name="email", form=EMAIL, meaning="Finds the account at a destination; the default address for notices."),
        Key(name="phone", form=text(40), meaning="Shown by `oncall`."),
        Key(name="timezone", form=ZONE, shown="the schedule's", meaning="For texts sent to this person."),
        Key(name="aliases", form=items_of(text(200)), default=(), shown="none", meaning="Other names read from titles."),
        Key(
            name="accounts",
            form=table_of(text(254), NAME, "connector kind or destination name → account"),
            default={},
            shown="none",
            meaning="Account at a destination, where the e-mail address is not the key.",
        ),
        _HOLIDAYS,
    ),
)

ROLE = Shape(
    "role",
    (
        Key(name="title", form=text(200), shown="the id", meaning="As people read it."),
        Key(name="people", form=whole(1, 100), default=1, shown="`1`", meaning="Most people who hold it at one time."),
    ),
)

TEAM = Shape(
    "team",
    (
        Key(name="title", form=text(200), shown="the id", meaning="As people read it."),
        Key(name="people", form=REFERENCES, default=(), shown="none", meaning="Members; they may change its schedules."),
        Key(name="channels", form=REFERENCES, default=(), shown="none", meaning="Channels of `notices` that belong to it."),
        Key(name="notices", form=of(NOTICES), meaning="Notices of its schedules, over those at the top."),
    ),
)

ROTATION = Shape(
    "rotation",
    (
        Key(name="every", form=whole(1, 9_999), default=1, shown="`1`", meaning="Units a turn lasts; 1 to 30 by convention."),
        Key(name="unit", form=choice(Unit), required=True, meaning="Unit of the turn."),
        Key(name="at", form=TIME, shown="from `anchor`, `from` or `start`", meaning="Handoff time of day."),
        Key(name="on", form=DAY, shown="from `anchor`, `from` or `start`", meaning="Handoff weekday, of turns of whole weeks."),
        Key(
            name="anchor",
            form=MOMENT,
            shown="last handoff at or before `from` or `start`",
            meaning="When the first member's first turn begins. A bare date takes `at`.",
        ),
        Key(
            name="lasts",
            form=duration(1, 10 * YEAR),
            shown="the whole turn",
            meaning="How long of each turn the member is on, from the handoff.",
        ),
        Key(
            name="clock",
            form=choice(Clock),
            shown="`wall`; `elapsed` for hours that do not divide 24",
            meaning="`wall`: handoffs keep their local time across clock changes. `elapsed`: turns keep their length.",
        ),
        Key(
            name="advance",
            form=choice(Advance),
            default=Advance.ALWAYS,
            shown="`always`",
            meaning="Which turns are counted: all; those not wholly outside `days` and `windows`; days that open.",
        ),
        Key(name="fair", form=TRUTH, default=False, shown="`false`", meaning="Nobody keeps the same weekday or half-day."),
    ),
)


def _member(node: Node, path: str, report: Report) -> tuple[tuple[str, Node, str], ...]:
    """A group: of one where a single id stands."""
    if node.kind == "list":
        if not node.items:
            raise Wrong("a group of nobody", "name somebody, or take it away")
        return tuple((item.value, item.node, item.path) for item in REFERENCES.read(node, path, report))
    if node.kind == "text" and not node.null:
        return ((node.text, node, path),)
    raise Wrong(f"expected an id or a group of ids, found {found(node)}")


MEMBERS = values_of(Form("id or group", _member), "list of ids; a list inside it is a group on call together")

ROSTER = Shape(
    "dated roster",
    (
        Key(name="from", form=START, shown="the beginning", meaning="When it takes over. Only the first may leave it out."),
        Key(name="people", form=MEMBERS, required=True, meaning="The members from then on; none is nobody on call."),
        Key(
            name="join",
            form=choice(Join),
            default=Join.CONTINUE,
            shown="`continue`",
            meaning="`continue`: from the next handoff, after whoever is on. `recalculate`: at once, by the turn's number.",
        ),
    ),
)


def _dated(node: Node) -> int:
    return int(node.kind == "list" and any(item.kind == "mapping" for item in node.items))


LAYER = Shape(
    "layer",
    (
        Key(name="name", form=text(100), shown="`layer-N`", meaning="Unique in its schedule."),
        Key(name="role", form=REFERENCE, shown="the only role", meaning="May be left out where there is one role."),
        Key(
            name="priority",
            form=whole(-1_000_000, 1_000_000),
            default=0,
            shown="`0`",
            meaning="Of the layers with somebody the highest decides; equal ones are united.",
        ),
        Key(name="from", form=START, meaning="Start of its validity; never recurring."),
        Key(name="until", form=END, meaning="End of its validity."),
        Key(name="timezone", form=ZONE, shown="the schedule's", meaning="Its local times are in this zone."),
        Key(
            name="members",
            form=either(
                MEMBERS,
                items_of(of(ROSTER), "list of dated rosters"),
                words="list of ids and groups, or of dated rosters",
                choose=_dated,
            ),
            required=True,
            meaning="Who takes turns, in this order. A list inside it is a group on call together.",
        ),
        Key(name="rotation", form=of(ROTATION), shown="all members at once", meaning="Whose turn it is."),
        Key(name="days", form=MASK, shown="every day", meaning="Weekdays it is on; not together with weekly windows."),
        Key(name="windows", form=WINDOWS, default=(), shown="all the time", meaning="Hours it is on, united."),
        Key(
            name="boundary",
            form=choice(Boundary),
            default=Boundary.MIDNIGHT,
            shown="`midnight`",
            meaning="`days` cuts at local midnight, or (`shift`) keeps and drops whole windows or turns by the day they start.",
        ),
        Key(
            name="on_away",
            form=one_of(("stay", "next")),
            default="stay",
            shown="`stay`",
            meaning="`next`: a turn whose member is away goes, whole, to the next one who is not.",
        ),
    ),
)

OVERRIDE = Shape(
    "override",
    (
        Key(name="id", form=NAME, shown="`file-` and a hash of its content", meaning="Its name in lists and in the store."),
        Key(
            name="roles",
            form=either(
                one_of(("all",)),
                REFERENCES,
                words="list of ids, or `all`",
                choose=lambda node: int(node.kind != "text"),
            ),
            shown="the only role of the layers",
            meaning="Roles it holds for; `all` is every role the layers use.",
        ),
        Key(name="people", form=REFERENCES, required=True, meaning="Who is on instead; `[]` is nobody."),
        Key(
            name="replaces",
            form=either(
                REFERENCE,
                REFERENCES,
                words="`all`, `none`, an id or a list of ids",
                choose=lambda node: int(node.kind == "list"),
            ),
            default="all",
            shown="`all`",
            meaning="Whom they replace: everybody, nobody (they join), or those persons, while one of them would be on.",
        ),
        Key(name="start", form=START, required=True, meaning="Local time, or with an offset."),
        Key(name="end", form=END, required=True, meaning="Not part of the period."),
        Key(name="reason", form=REASON, default="", shown="empty", meaning="For people to read."),
    ),
)

AWAY = Shape(
    "time off",
    (
        Key(name="person", form=REFERENCE, required=True, meaning="Who is away."),
        Key(name="start", form=START, required=True, meaning="Local time, or with an offset."),
        Key(name="end", form=END, required=True, meaning="Not part of the period."),
        Key(name="reason", form=REASON, default="", shown="empty", meaning="For people to read."),
    ),
)

DUTY_LIMITS = Shape(
    "limits of duty",
    (
        Key(name="shift", form=duration(60, YEAR), shown="none", meaning="Longest duty of a person without a break."),
        Key(name="rest", form=duration(60, YEAR), shown="none", meaning="Shortest break between two duties of a person."),
    ),
)

LAYERS = items_of(of(LAYER), "list of layers")

SCHEDULE = Shape(
    "schedule",
    (
        Key(name="template", form=REFERENCE, meaning="Begins from that template's keys; its own win, layers by `name`."),
        Key(name="title", form=text(40), shown="the id", meaning="Unique among the schedules."),
        Key(
            name="description",
            form=text(500, least=0, lines=True),
            default="",
            shown="empty",
            meaning="Markdown.",
        ),
        Key(name="team", form=REFERENCE, meaning="Its members may change the schedule."),
        Key(
            name="handoff_note",
            form=text(1_000, least=0, lines=True),
            default="",
            shown="empty",
            meaning="Markdown, for whoever comes on call.",
        ),
        Key(
            name="needs",
            form=table_of(NEED, REFERENCE, "role → `always`, `never` or windows"),
            default={},
            shown="`always` for every role in use",
            meaning="Hours of a role that must be covered, in the schedule's zone; gaps speak only of those.",
        ),
        Key(name="timezone", form=ZONE, shown="the one at the top", meaning="The default for everything inside."),
        Key(name="start", form=START, meaning="Start of its validity; rotation anchors default to it."),
        Key(name="end", form=END, meaning="End of its validity."),
        Key(name="admins", form=REFERENCES, default=(), shown="none", meaning="Who approves, answers holds and exports."),
        Key(
            name="override_overlap",
            form=choice(Overlap),
            default=Overlap.FIRST,
            shown="`first`",
            meaning="Which of two overrides that contradict each other wins; `reject` refuses the second.",
        ),
        Key(
            name="approval",
            form=choice(Approval),
            default=Approval.NONE,
            shown="`none`",
            meaning="Whose new overrides wait for an admin: nobody's, those for others, or all.",
        ),
        Key(name="notices", form=of(NOTICES), meaning="Notices of this schedule, over its team's and those at the top."),
        Key(name="limits", form=of(DUTY_LIMITS), shown="none", meaning="What `check` warns of; it moves no shift."),
        _HOLIDAYS,
        Key(name="layers", form=LAYERS, default=(), shown="none", meaning="Where people come from."),
        Key(name="overrides", form=items_of(of(OVERRIDE), "list of overrides"), default=(), shown="none", meaning="Exceptions."),
        Key(name="away", form=items_of(of(AWAY), "list"), default=(), shown="none", meaning="Time off; moves nobody by itself."),
    ),
)

# People and dates of a template are left open.
_OPEN = Shape("layer of a template", tuple(replace(key, required=False) for key in LAYER.keys))
TEMPLATE = Shape(
    "template",
    tuple(
        replace(key, form=items_of(of(_OPEN), "list of layers")) if key.name == "layers" else key
        for key in SCHEDULE.keys
        if key.name != "template"
    ),
)

ROTA_KEYS = (
    Key(name="timezone", form=ZONE, default="UTC", shown="`UTC`", meaning="The default for everything below."),
    Key(name="people", form=table_of(of(PERSON), PERSON_ID, "id → person"), default={}, shown="none", meaning="People."),
    Key(name="roles", form=table_of(of(ROLE), NAME, "id → role"), default={}, shown="none", meaning="Kinds of duty."),
    Key(name="teams", form=table_of(of(TEAM), NAME, "id → team"), default={}, shown="none", meaning="Who owns schedules."),
    _HOLIDAYS,
)
SCHEDULES = table_of(of(SCHEDULE), NAME, "id → schedule")
TEMPLATES = table_of(of(TEMPLATE), NAME, "name → template")
