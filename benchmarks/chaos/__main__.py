"""Call hundreds of leads while everything breaks, and check every promise.

    python -m benchmarks.chaos [--leads 500] [--seed N] [--at-once 8] [--keep FOLDER]

Needs PostgreSQL's server programs and redis-server on this machine, and runs its own of each.
Prints one JSON line; ends with 1 if anything is wrong. The same seed breaks the same things at the
same calls; what they meet there depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from benchmarks.chaos.clusters import NotInstalled, own_folder
from benchmarks.chaos.run import CALLS_AT_ONCE, run


def main() -> int:
    """Do the run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--leads", type=int, default=500)
    parser.add_argument("--at-once", type=int, default=CALLS_AT_ONCE, help="of each campaign")
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--keep", type=Path, help="keep logs here")
    options = parser.parse_args()
    print(f"seed {options.seed}", file=sys.stderr)
    with own_folder("chaos-", keep=options.keep) as folder:
        try:
            report = run(
                folder=folder, leads=options.leads, seed=options.seed, at_once=options.at_once
            )
        except NotInstalled as missing:
            print(f"{missing}: nothing was run.", file=sys.stderr)
            return 2
    print(json.dumps(report))
    return 1 if report["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
