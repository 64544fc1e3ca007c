"""The worker protocol as cases that can be played: ``python -m protocol --help``, and README.md beside this file."""
