"""Fuzzing for as long as wanted: `python -m tests.fuzz --minutes 60`.

Targets take turns. What one finds is shrunk and printed, and the others go on. It is kept in `.hypothesis`, and a
later run begins with it; once mended, it becomes an `@example` of the target, so that every run tries it.
"""

import argparse
import itertools
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.bundles import bundle_files, manifests
from tests.fuzz.exchanges import exchanges
from tests.fuzz.files import damaged, files
from tests.fuzz.texts import normalized, tokenized

TARGETS: dict[str, Callable[[], Any]] = {
    target.__name__: target for target in (files, damaged, normalized, tokenized, manifests, bundle_files, exchanges)
}
EXAMPLES_A_TURN = 500


def main() -> int:
    """Fuzz; give 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", choices=TARGETS)
    wanted = parser.parse_args()
    ends = time.monotonic() + 60 * wanted.minutes
    turn = settings(
        max_examples=EXAMPLES_A_TURN,
        deadline=None,
        suppress_health_check=[*HealthCheck],
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
        print_blob=True,
        derandomize=False,
    )
    turns: Counter[str] = Counter()
    found: Counter[str] = Counter()
    targets = {name: turn(target) for name, target in TARGETS.items() if wanted.only in (None, name)}
    for name in itertools.cycle(targets):
        if time.monotonic() > ends:
            break
        turns[name] += 1
        try:
            targets[name]()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                break
            found[name] += 1
            if found[name] <= 3:
                print(f"--- {name}", "".join(traceback.format_exception(error))[-4_000:], flush=True)
    for name in targets:
        print(f"{name}: {turns[name] * EXAMPLES_A_TURN:,} inputs, {found[name]} turns with a finding")
    return bool(found)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the service's threads have no end of their own
