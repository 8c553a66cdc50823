"""What syncd thinks: values in, values out. No clock, file, socket, log or environment."""
