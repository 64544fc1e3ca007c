"""The rules: pure decisions, without I/O, clock or chance."""
