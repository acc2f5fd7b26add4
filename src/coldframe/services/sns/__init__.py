"""Amazon SNS: topics whose messages are durable before they are acknowledged and reach every subscriber at least once.

Real here: standard and FIFO topics, topic policies, subscriptions to SQS, Firehose and HTTP endpoints, confirmation,
retries, dead letters, filter policies, signed envelopes, delivery status logs, metrics, KMS keys of topics, under which
messages wait for their delivery. HTTP goes to this machine and to what `--deliver-to` names, mail to the relay that `--mail-relay` names. Without a relay mail fails as text messages do:
counted, logged as the topic asks, and kept by the subscription's dead-letter queue. Mobile push is not built;
subscriptions to Lambda wait for Lambda.
"""
