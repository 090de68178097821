"""Features as small functions in `custom_features.py`: proposed, read, run apart, checked, judged, and written."""
