"""A small shop whose checkout runs as a task: see README.md beside this file."""
