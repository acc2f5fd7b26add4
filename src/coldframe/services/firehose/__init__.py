"""Amazon Data Firehose: records are durable before they are acknowledged, and become objects in S3.

Real here: streams written to directly, buffering by size and time, prefixes with expressions, GZIP and ZIP, roles that
are really taken on, delimiters after records, objects under KMS keys, deliveries that are tried until S3 takes them, failures
in CloudWatch Logs. Other processing, format conversion, dynamic partitioning, backups and destinations other than S3 answer 501.
"""
