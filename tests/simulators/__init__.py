"""Vendors for tests, and for trying syncd from a shell, where whoever lacks what they need is told how to get it."""

import sys
from importlib.util import find_spec

NEEDED = ("cryptography", "openapi_core", "requests", "starlette", "trustme", "uvicorn")

if sys.argv[:1] == ["-m"] and (missing := [name for name in NEEDED if find_spec(name) is None]):
    sys.exit(
        f"a simulator needs {', '.join(missing)}: run `make setup` in the checkout, then the same with .venv/bin/python;"
        " or `pip install --require-hashes --no-deps -r requirements/dev.txt`"
    )
