"""`make bench`: what starting a command costs beside a bare interpreter, as medians of whole processes, against the budgets."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMES = 15
BUDGETS = {"--help": 5.0, "oncall": 20.0, "export --now (nothing to do)": 60.0}
"""Times a bare interpreter's start."""

ROOT = Path(__file__).parent.parent


def median(*command: str, cwd: Path) -> float:
    """Seconds."""
    took = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        subprocess.run(command, cwd=cwd, check=True, capture_output=True)
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


def main() -> int:
    syncd = str(Path(sys.executable).parent / "syncd")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = (ROOT / "config" / "minimal.yaml").read_text("utf-8")
        (folder / "syncd.yaml").write_text(text + "store: state\n", "utf-8")
        subprocess.run([syncd, "export", "--now"], cwd=folder, check=True, capture_output=True)
        bare = median(sys.executable, "-c", "pass", cwd=folder)
        print(f"bare interpreter            {bare * 1000:6.1f} ms")
        missed = 0
        for what, budget in BUDGETS.items():
            took = median(syncd, *what.partition(" (")[0].split(), cwd=folder)
            state = "ok" if took <= budget * bare else "over"
            missed += state == "over"
            print(f"{what:<28}{took * 1000:6.1f} ms  {took / bare:5.1f} × bare, budget {budget:.0f} ×: {state}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
