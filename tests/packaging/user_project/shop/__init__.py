"""A user's project: everything that the package offers, written as its users write. Type checkers read it."""
