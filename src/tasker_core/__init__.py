"""Tasker: durable multi-step business workflows."""
