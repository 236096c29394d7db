"""Record or compare the answers of every committed bundle in every precision.

`python -m tests.service.inference.golden` writes a file for each bundle that has none.
`python -m tests.service.inference.golden --exact` compares to the last digit, which holds on one kind of processor.
"""

import json
import sys

from tests.service.inference.golden.answers import BUNDLES, answers, recorded_file


def main() -> int:
    """Record what is missing, or compare; return the exit code."""
    exact = "--exact" in sys.argv[1:]
    different = 0
    for bundle in BUNDLES:
        file = recorded_file(bundle)
        if not exact and file.exists():
            continue
        now = answers(bundle)
        if exact:
            recorded = json.loads(file.read_text())
            same = recorded == now
            different += not same
            print(f"{bundle.parent.name}/{bundle.name}: {'the same' if same else 'DIFFERENT'}")
        else:
            file.write_text(json.dumps(now, indent=0) + "\n")
            print(f"{file.name}: written")
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
