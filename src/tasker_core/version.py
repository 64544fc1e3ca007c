"""Which version of Tasker this is."""

VERSION = "0.1.0"
