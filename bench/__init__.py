"""What syncd costs beside today's tools and a bare interpreter, measured in one run on loopback servers: `python -m bench`."""
