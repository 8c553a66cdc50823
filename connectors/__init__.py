"""One file a vendor. Nothing imports this package: connectors are found by the entry-point group `syncd.connectors`."""
