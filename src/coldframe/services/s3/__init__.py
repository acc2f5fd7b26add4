"""Amazon S3: buckets and objects whose bytes are sealed files on this machine's disk.

Real: buckets in every region of one partition, objects with versions, multipart uploads, conditional requests, ranges,
checksums, tagging, canned ACLs, bucket policies with anonymous access, Block Public Access, CORS, lifecycle rules that
delete, Object Lock, event notifications to the server's own SQS queues and SNS topics. Every object is encrypted at
rest with AES-256-GCM under a key that follows from the server's master key, which is what
`x-amz-server-side-encryption: AES256` says here, or with `aws:kms` under a data key that KMS wraps for the caller.
Objects are whole on disk before they are acknowledged.

Not built, and refused: SSE-C, grants to single grantees, S3 Select, replication, inventory, analytics,
directory buckets, POST forms. Kept and answered without an effect: logging, website, request payment, accelerate,
transitions between storage classes, notifications to Lambda and EventBridge. An object that comes without a checksum
gets none (AWS adds CRC64NVME).
"""
