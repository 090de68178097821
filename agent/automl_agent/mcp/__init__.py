"""The tools for other programs that speak the Model Context Protocol; needs the extra `mcp`."""
