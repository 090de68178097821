"""Where the folds of a search are fitted: threads of this process, or a cluster."""
