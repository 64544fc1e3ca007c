"""A project that is right in ways that can't be seen from outside: a check has to keep silent about it."""
