"""YAML → typed settings; secrets; every problem with file, line and column."""

from syncd.config.load import Config, find, load
from syncd.config.problem import ConfigError, Problem

__all__ = ["Config", "ConfigError", "Problem", "find", "load"]
