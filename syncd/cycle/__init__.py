"""One cycle of one destination: look, decide, do, remember. The only package that knows both the rota and the destination."""

from syncd.cycle.cycle import Cycle, Report, Trigger
from syncd.cycle.look import site_of

__all__ = ["Cycle", "Report", "Trigger", "site_of"]
