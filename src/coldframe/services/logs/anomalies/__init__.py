"""Log anomaly detection: which patterns of a log group are unusual, by counts and a rule."""
