"""CloudWatch Logs: events are masked as they arrive, sealed, durable before they are acknowledged, and searchable.

Real here: groups, streams, events with AWS's limits, the filter-pattern language, metric and subscription filters,
live tail, data protection with all managed identifiers, audit findings to log groups, S3 and Firehose, export tasks,
Logs Insights queries, also scheduled ones, transformers, lookup tables, anomaly detectors, KMS keys of log groups. What one machine cannot honour answers 501; service.toml says why
for each.
"""
