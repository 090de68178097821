"""Features made from columns of the training table."""
