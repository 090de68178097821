"""Model bundles: versions, aliases, signatures."""
