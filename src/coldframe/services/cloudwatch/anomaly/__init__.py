"""Anomaly detection: what is usual for a metric at an hour of the week, and the band around it."""
