"""Decides what the log says of a destination: what was done each time, how it stands once on entering and once on leaving it."""

from __future__ import annotations

from collections import Counter

from syncd import log
from syncd.core.record import Outcome
from syncd.cycle import Report


class Remarks:
    """Of one destination. `logger`s are those of a cycle: their lines carry the destination and the run."""

    def __init__(self) -> None:
        self.failures = 0
        """Cycles in a row that failed."""
        self._cause: type[Exception] | None = None
        self._trouble: tuple[object, ...] = ()
        self._skewed = False

    def failed(self, logger: log.Logger, error: Exception, reason: str, **more: object) -> None:
        """Loud on failing, and again where it fails for a cause of another kind."""
        self.failures += 1
        say = logger.debug if type(error) is self._cause else logger.error
        self._cause = type(error)
        say("destination.failed", reason=reason, failures=self.failures, **more)

    def ended(self, logger: log.Logger, report: Report, seconds: float) -> None:
        """Of a cycle that had no error."""
        if self.failures:
            logger.info("destination.recovered", failures=self.failures)
            self.failures, self._cause = 0, None
        self._incomplete(logger, report)
        logger.debug("destination.cycle", seconds=round(seconds, 3))

    def changed(self, logger: log.Logger, report: Report, seconds: float) -> None:
        """One line a cycle that changed anything, here or there."""
        plan = report.decision.plan if report.decision else None
        done = Counter(str(one.call.change.action) for one in report.answers if one.outcome is Outcome.APPLIED)
        imports = len(plan.pulls) if plan is not None and report.acted else 0
        if done or imports:
            logger.info(
                "destination.changed",
                digest=plan.digest if plan else None,
                changes=done.total(),
                **done,
                imports=imports,
                failed=len(report.failed),
                waiting=len(report.waiting),
                seconds=round(seconds, 3),
            )

    def skewed(self, logger: log.Logger, why: str) -> bool:
        """`why` the clock is not trusted at this destination, or ""; whether that has just begun."""
        began = bool(why) and not self._skewed
        if began:
            logger.warning("clock.jumped", reason=why, effect="nothing is removed there while it lasts")
        elif self._skewed and not why:
            logger.info("clock.agrees")
        self._skewed = bool(why)
        return began

    def _incomplete(self, logger: log.Logger, report: Report) -> None:
        """What is held, refused or waits, said when it becomes something else."""
        failed, held = report.failed, report.decision.holds if report.decision else ()
        whole = report.decision.whole if report.decision else ""
        kinds = tuple(sorted({type(one.error).__name__ for one in failed}))
        trouble: tuple[object, ...] = (tuple(one.digest for one in held), whole, kinds, bool(report.waiting))
        was, self._trouble = self._trouble, trouble if any(trouble) else ()
        if was == self._trouble:
            return
        if not self._trouble:
            logger.info("destination.complete")
        else:
            reasons = [str(one.error) for one in failed if one.error is not None]
            reasons += [one.reason for one in held] + [one.reason for one in report.waiting]
            logger.warning(
                "destination.incomplete",
                reason=whole or next(iter(reasons), ""),
                held=[one.digest for one in held],
                failed=len(failed),
                waiting=len(report.waiting),
            )
