"""Notices as texts, and the channels that carry them: Apprise and nothing else of the world."""
