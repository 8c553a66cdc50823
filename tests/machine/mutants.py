"""The engine with one rule taken out, by name: a text of one file, and what takes its place."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    file: str
    text: str
    instead: str


MUTANTS = {
    "no intent": Mutant("syncd/cycle/remember.py", "tx.ledger.open_intent(base.name, intent, base.lease.epoch)", "pass"),
    "blind retry": Mutant("syncd/cycle/send.py", "Outcome.REJECTED if error.refused else Outcome.UNKNOWN", "Outcome.REJECTED"),
    "no late echo": Mutant("syncd/core/pager.py", "for echo in memory.echoes:", "for echo in ():"),
    "no armed notice": Mutant("syncd/cycle/tell.py", 'if posted.notice.get("sent"):', "if False:"),
    "no notice": Mutant("syncd/core/notice.py", "if d.tell is not Tell.NOTHING)", "if False)"),
    "no etag": Mutant("connectors/memory.py", "entry.version is not None and entry.version != now.version", "False"),
    "no fence": Mutant("syncd/store/store.py", "if lease is not None:", "if False:"),
    "empty believed": Mutant("syncd/cycle/look.py", "return any(row.accepted.end > asked.now for row in rows)", "return False"),
    "failure is empty": Mutant(
        "connectors/memory.py",
        'return self.place.answer("read", "", lambda: self._look(window, known))',
        "try:\n"
        '            return self.place.answer("read", "", lambda: self._look(window, known))\n'
        "        except Exception:\n"
        "            return Observation(entries=())",
    ),
    "delete first": Mutant("syncd/core/plan.py", "self._stands[i] > self._wanted[i] or self._wanted[i] == 0", "True"),
    "own leftovers imported": Mutant("syncd/core/pager.py", "if on.ref in owned:", "if False:"),
    "exposed is edited": Mutant("syncd/core/pager.py", "Hands.SEEN if base is not None and on.ref in base.seen else", "False or"),
    "overwrite instead of import": Mutant(
        "syncd/core/merge.py", "_IMPORT_I = Cell(Do.IMPORT, Tell.IMPORTED)", "_IMPORT_I = _PUSH"
    ),
    "random ids": Mutant(
        "syncd/core/marker.py",
        "return base64.b32hexencode(raw)",
        "raw = __import__('os').urandom(20)\n    return base64.b32hexencode(raw)",
    ),
    "one id a key": Mutant("syncd/core/plan.py", "used[key] = used.get(key, 0) + 1", "used[key] = 1"),
    "no signature": Mutant("syncd/core/plan_calendar.py", "if doomed or not signed:", "if doomed:"),
    "no revision check": Mutant(
        "syncd/cycle/remember.py", "if tx.overrides.revision(base.settings.schedule) != was.revision:", "if False:"
    ),
    "an import makes no room": Mutant("syncd/cycle/remember.py", "for cut in room:", "for cut in ():"),
    "a lost ledger is agreed": Mutant("syncd/core/calendar.py", "not (differs and any(own.lost for own in standing)) and", ""),
    "another account is the same": Mutant("syncd/cycle/cycle.py", "was and is_ and was != is_", "False"),
    "copies are ours": Mutant("syncd/core/marker.py", "if not hmac.compare_digest", "if False and not hmac.compare_digest"),
    "an empty rota is obeyed": Mutant("syncd/core/guard.py", "if here.rota_empty:", "if False:"),
    "no limit on removals": Mutant("syncd/core/guard.py", "if len(removals) > limit:", "if False:"),
    "no limit on imports": Mutant("syncd/core/guard.py", "if len(pulls) > limit else", "if False else"),
    "doomed is relied on": Mutant("syncd/core/settle.py", 'replace(row, doubt="delete")', "row"),
    "what was answered as deleted is nobody's": Mutant("syncd/cycle/remember.py", "asked.can.own_ids and ", ""),
    "the clock is trusted": Mutant("syncd/core/guard.py", "if here.clock_jumped and", "if False and"),
    "what lies beneath goes silently": Mutant("syncd/core/plan_pager.py", "if row is None and not telling:", "if False:"),
    "the horizon cuts imports": Mutant("syncd/cycle/look.py", "if further > window.end:", "if False:"),
    "the past is rewritten": Mutant("syncd/core/plan_calendar.py", "running = says.start < now", "running = False"),
    "a person is read from every title": Mutant("syncd/core/own.py", "claim.title == title_digest(entry.title)", "False"),
}
