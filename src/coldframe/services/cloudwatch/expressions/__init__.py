"""Metric math: the expressions of GetMetricData, alarms and dashboards.

Source: Amazon CloudWatch user guide, "Using math expressions with CloudWatch metrics" and "Search expressions".
"""
