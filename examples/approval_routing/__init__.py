"""Purchases that need nobody's word, a manager's, or that of several departments."""
