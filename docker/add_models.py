"""Puts the image's own models into a volume: those that it lacks. What is there stays as it is.

A version number stands for one model for good, so that there is nothing to bring up to date.
"""

import shutil
import sys
from pathlib import Path

own, volume = map(Path, sys.argv[1:])
for bundle in sorted(own.glob("*/[0-9]*")):
    target = volume / bundle.relative_to(own)
    if target.exists():
        continue
    partial = target.with_name(f".{target.name}.partial")  # so that a version is there whole, or not at all
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(bundle, partial)
        partial.rename(target)
    except (OSError, shutil.Error) as error:
        sys.exit(f"error: {target} cannot be written: {error}")
    print(f"added {target}")
