"""What the shells' tests share: a store in either database."""

from tests.stores import place, postgres_url, store

__all__ = ["place", "postgres_url", "store"]
