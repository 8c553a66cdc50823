"""Settings of the notices: at the top of the file, under a team or under a schedule; the nearest wins."""

from __future__ import annotations

from syncd.config.document import Node
from syncd.config.forms import NAME, TIME, ZONE, duration, whole
from syncd.config.problem import Report, Wrong
from syncd.config.secrets import FORM
from syncd.config.shape import Form, Key, Section, Shape, found, of, one_of, table_of, values_of


def _named(node: Node, path: str, report: Report) -> Node:
    """Left as a node: whoever knows the file's folder makes it a secret."""
    if node.kind != "mapping":
        raise Wrong("a secret does not stand in the file itself", "write {file: PATH}, {env: NAME} or {credential: NAME}")
    return node


SECRET = Form(FORM, _named)

CHANNEL = Shape(
    "channel",
    (Key(name="url", form=SECRET, required=True, meaning="Apprise's address of it; a `mailto` channel is personal."),),
    secret=True,
)


def _or_off(shape: Shape) -> Form:
    def read(node: Node, path: str, report: Report) -> Section | None:
        if node.kind == "text" and node.text == "off":
            return None
        if node.kind == "text":
            raise Wrong(f"expected a mapping or off, found {found(node)}")
        return shape.read(node, path, report)

    return Form(f"{shape.name}, or `off`", read, shape)


def _whole_fives(form: Form) -> Form:
    def read(node: Node, path: str, report: Report) -> int:
        seconds: int = form.read(node, path, report)
        if seconds % 300:
            raise Wrong(
                "a handoff is told a multiple of 5 minutes ahead", f"such as {seconds // 300 * 5}m or {seconds // 300 * 5 + 5}m"
            )
        return seconds

    return Form(form.words, read)


HANDOFF = Shape(
    "handoff notice",
    (
        Key(
            name="lead",
            form=_whole_fives(duration(0, 7 * 86_400)),
            default=3_600,
            shown="`60m`",
            meaning="How long before the handoff.",
        ),
        Key(
            name="to",
            form=one_of(("incoming", "outgoing", "both")),
            default="incoming",
            shown="`incoming`",
            meaning="Who is told.",
        ),
    ),
)
DAILY = Shape(
    "daily notice",
    (
        Key(name="at", form=TIME, default=8 * 3_600, shown='`"08:00"`', meaning="Local time of whom it is sent to."),
        Key(
            name="to",
            form=values_of(one_of(("people", "team", "admins"))),
            default=("people",),
            shown="`[people]`",
            meaning="Who is told: those on call that day, the team's channels, the admins.",
        ),
    ),
)
GAPS = Shape(
    "gaps notice",
    (
        Key(name="at", form=TIME, default=8 * 3_600, shown='`"08:00"`', meaning="Time of day."),
        Key(name="timezone", form=ZONE, default="UTC", shown="`UTC`", meaning="Of `at`."),
        Key(name="days", form=whole(1, 366), default=7, shown="`7`", meaning="How far ahead it looks."),
    ),
)
NOTICES = Shape(
    "notices",
    (
        Key(name="channels", form=table_of(of(CHANNEL), NAME, "name → channel"), default={}, shown="none", meaning="Where to."),
        Key(name="handoff", form=_or_off(HANDOFF), nullable=True, shown="as below", meaning="Told before a handoff."),
        Key(name="daily", form=_or_off(DAILY), nullable=True, shown="off", meaning="Told every day: who is on call."),
        Key(name="gaps", form=_or_off(GAPS), nullable=True, shown="as below", meaning="Told every day: what nobody covers."),
        Key(
            name="follow",
            form=one_of(("person", "team")),
            default="person",
            shown="`person`",
            meaning="Whose choice counts: `person` lets each person's own win, `team` these.",
        ),
    ),
)
