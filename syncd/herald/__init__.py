"""Tells people: puts what is due into the outbox, and carries what is in the outbox to its readers, on a thread of its own."""

from syncd.herald.herald import Herald

__all__ = ["Herald"]
