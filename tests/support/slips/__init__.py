"""A project in which everything is wrong in one way or another; each mistake is found by a code of its own."""
