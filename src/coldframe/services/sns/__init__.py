"""Amazon SNS: topics whose messages are durable before they are acknowledged and reach every subscriber at least once.

Real here: standard and FIFO topics, topic policies, subscriptions to SQS, Firehose and HTTP endpoints of this machine,
confirmation, retries, dead letters, filter policies, signed envelopes. Text messages, e-mail and mobile push leave the
machine, so they are not built; subscriptions to Lambda wait for Lambda.
"""
