"""Benchmarks: figures are medians of several runs in one stretch, with versions and settings."""
