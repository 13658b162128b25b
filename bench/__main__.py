"""All figures of this folder, one program after the other, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROGRAMS = ("policy.py", "simulation.py")


def main() -> int:
    """Run every program; the exit status tells whether one of them failed."""
    failed = 0
    for program in PROGRAMS:
        print(f"== {program}", flush=True)
        failed |= subprocess.run([sys.executable, str(HERE / program)], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
