"""What the tests of the Outlook connector share: a simulator, options for it, and a look for secrets in an error."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from connectors.outlook import Outlook
from syncd.connector import Secret, Site
from tests.connectors.conformance import SITE
from tests.simulators.microsoft import ONCALL, Microsoft


def options(there: Microsoft, **more: Any) -> Outlook.Options:
    """Of the simulator's own app. Its address is another in every test, so no sign-in is remembered from one to the next."""
    given: dict[str, Any] = {
        "tenant": there.tenant, "client_id": there.client_id, "client_secret": Secret("test", lambda: there.secret),
        "mailbox": ONCALL, "authority": there.authority, "base_url": there.base_url, "ca_file": Path(there.ca_file),
    }  # fmt: skip
    return Outlook.Options(**{**given, **more})


def outlook(there: Microsoft, site: Site = SITE, **more: Any) -> Outlook:
    return Outlook(options(there, **more), site)


def leaks(problem: BaseException | None) -> list[str]:
    """Every canary in what can be printed of an error, the local values of all frames but the tests' own included."""
    told, seen = [], problem
    while seen is not None:
        told += [str(seen), repr(seen), repr(seen.args), repr(vars(seen))]
        for frame in traceback.TracebackException.from_exception(seen, capture_locals=True).stack:
            if "/tests/" not in frame.filename:
                told += [str(frame.line), *(frame.locals or {}).values()]
        seen = seen.__cause__ or seen.__context__
    return [line for text in told for line in text.splitlines() if "canary" in line]
