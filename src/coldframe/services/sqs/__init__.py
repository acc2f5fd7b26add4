"""Amazon SQS: standard and FIFO queues whose messages are durable before they are acknowledged, and sealed on the disk.

Real here: every operation and attribute, visibility and long polling, FIFO order, groups and deduplication, dead letters
and moving them back, queue policies, both wire protocols (the query protocol answers in JSON too), SSE with KMS keys (a
data key for each request), metrics in AWS/SQS. A
message is received again only when its visibility timeout has passed, so standard queues deliver once, in order of time.
"""
