"""From a project spec to a git repository, and its updates."""
