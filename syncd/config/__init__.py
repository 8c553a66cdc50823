"""YAML → typed settings; secrets; every problem with file, line and column."""

from syncd.config.load import Config, find, load, where_its_store_is
from syncd.config.problem import ConfigError, Problem

__all__ = ["Config", "ConfigError", "Problem", "find", "load", "where_its_store_is"]
