"""What a process tells of itself: counts and durations, spans, log lines. Never contexts, results or error messages."""
