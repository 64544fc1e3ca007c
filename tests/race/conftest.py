"""The databases that models and races are played on."""

from __future__ import annotations

from tests.support.databases import postgres_of_the_suites, store_url

__all__ = ["postgres_of_the_suites", "store_url"]
