"""CloudWatch: metrics are stored durably and kept as long as AWS keeps them; alarms, dashboards and rules work on them.

A percentile of more than 64 different values in a period is within 1 % of the true one. A metric appears in ListMetrics
at once, and late samples are readable at once, for which AWS asks hours. Metric streams send every minute of their
metrics to Firehose a minute after it has ended, in JSON or in OpenTelemetry 0.7 and 1.0; what comes later is sent again
with what there was, if the server was not started anew in between.

Alarms are evaluated every minute (every ten seconds below a minute's period) over sliding windows, as at AWS, and also
at once when their metric gets data: a period that is not over yet counts as soon as more data cannot take its verdict
back, except in metric math, which waits for the period's end. The evaluation range is two periods longer than EvaluationPeriods. Actions are durable jobs: SNS topics are told;
other actions fail with a reason in the alarm's history. Composite alarms are evaluated in the transaction that changes
a child. An alarm on a Metrics Insights query with GROUP BY judges each series on its own and is as bad as the worst; its
actions are its own and not each contributor's. Log alarms, PromQL and alarms on other accounts' metrics are not built.

Contributor Insights rules are evaluated over the log groups' events when a report is asked for, with what the caller
may read and masked as for them; alarms read them for their account, and making one needs the permission to read those
logs. Anomaly detection is a documented simple model
(anomaly/model.py), trained on up to two weeks of the metric, or of what an expression gives, when a band is asked for.
"""
