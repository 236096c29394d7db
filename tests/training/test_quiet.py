"""What TensorFlow has to say of devices is no part of the output."""

import subprocess
import sys


def test_importing_tensorflow_writes_nothing_and_standard_error_works_after_it() -> None:
    program = (
        "import sys; from training.quiet import import_tensorflow; import_tensorflow(); print('e', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "e\n")
