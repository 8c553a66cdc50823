"""syncd keeps one on-call rota in agreement with every calendar and pager that shows it."""

__version__ = "0.1.0"
