"""CloudWatch Logs: events are masked as they arrive, sealed, durable before they are acknowledged, and searchable.

Real here: groups, streams, events with AWS's limits, the filter-pattern language, metric and subscription filters,
<<<<<<< HEAD
live tail, data protection with all managed identifiers, audit findings to log groups and S3, export tasks, Logs
Insights queries. What one machine cannot honour answers 501; service.toml says why for each.
=======
live tail, data protection with all managed identifiers, audit findings to log groups, Logs Insights queries,
transformers, lookup tables. What one machine cannot honour answers 501; service.toml says why for each.
>>>>>>> main
"""
