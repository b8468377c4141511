"""Run Molecule scenarios one after the other and say what each took.

Usage: ``python tests/tools/scenarios.py default single_host``. Every scenario brings up a lab of
its own, so none can profit from what another left behind. The first failure ends the run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = ROOT / ".venv" / "bin"


def run(scenario: str, environment: dict[str, str]) -> bool:
    """Test one scenario; its hosts stay after a failure only when KEEP is set."""
    keep = ["--destroy=never"] if os.environ.get("KEEP") else []
    command = [str(BIN / "molecule"), "test", *keep, "--no-command-borders", "-s", scenario]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def main(scenarios: list[str]) -> int:
    """Run all, print a table of seconds, give the exit code."""
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    took: dict[str, float] = {}
    passed = True
    for scenario in scenarios:
        begun = time.monotonic()
        passed = run(scenario, environment)
        took[scenario] = time.monotonic() - begun
        if not passed:
            break
    print("\nScenario          Seconds  Result")
    for scenario, seconds in took.items():
        failed = not passed and scenario == list(took)[-1]
        print(f"{scenario:<16} {seconds:8.0f}  {'FAILED' if failed else 'passed'}")
    failures = 0 if passed else 1
    print(f"\nscenarios: {len(took) - failures} passed, {failures} failed")
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
