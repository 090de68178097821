"""Updates of a project that keep what its user changed: three texts are merged, pristine, edited and new."""
