"""Checks that the image has every package that the service needs, whole, and none of those that it does not need.

For `docker/smoke`, in a container of the service's image.
"""

import importlib
import importlib.metadata
import importlib.util
import pkgutil
import re
import sys

import service

NOT_WANTED = ("tensorflow", "keras", "tf2onnx", "training", "pip", "setuptools")
TAKEN_OUT = re.compile(r"(^|/)tests/|^onnxruntime/capi/libonnxruntime\.so\.")
"""What the Dockerfile removes."""
EXTRAS = (
    "service.client",
    "service.cli.score_corpus",
    "service.cluster",
    "service.files.answer_columns",
    "service.files.parquet",
    "service.scoring",
)
"""Modules that need more packages than the image has."""

if too_many := [name for name in NOT_WANTED if importlib.util.find_spec(name)]:
    sys.exit(f"not wanted: {too_many}")
listed = [path for package in importlib.metadata.distributions() for path in package.files or ()]
missing = [str(path) for path in listed if not path.locate().exists()]
if broken := [path for path in missing if not TAKEN_OUT.search(path)]:
    sys.exit(f"missing: {broken}")
for module in pkgutil.walk_packages(service.__path__, "service."):
    if not module.name.startswith(EXTRAS):
        importlib.import_module(module.name)
print(f"{len(listed) - len(missing)} files of packages, {len(missing)} taken out")
