"""Who asks, and what they may do: API keys, tokens, the guard before every route, the gate before the guard."""
