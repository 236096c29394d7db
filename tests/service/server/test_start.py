import subprocess
import sys


def test_what_counts_is_not_imported_before_the_folder_of_its_files_is_there() -> None:
    code = "import sys, service.server.start; print(sorted({'prometheus_client', 'uvicorn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
