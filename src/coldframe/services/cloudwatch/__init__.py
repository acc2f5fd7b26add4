"""CloudWatch: metrics are stored durably, rolled up and kept as long as AWS keeps them, with percentiles from sketches.

A percentile of more than 64 different values in a period is within 1 % of the true one. A metric appears in ListMetrics
at once, and late samples are readable at once, for which AWS asks hours. Metric streams are not built.
"""
