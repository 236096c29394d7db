"""The commands of `python -m training`, a module each; what takes seconds to import waits until a command runs."""
