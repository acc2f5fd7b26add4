"""Amazon S3: buckets and objects whose bytes are sealed files on this machine's disk.

Real: buckets in every region of one partition, objects with versions, multipart uploads, conditional requests, ranges,
checksums of every algorithm, tagging, ACLs (canned and grants to accounts and groups), bucket policies with anonymous
access, Block Public Access, CORS, lifecycle rules that delete, Object Lock, archived objects that must be restored (which
takes no time), uploads by HTML forms with signed policies, requests and URLs signed by version 4 or 2, inventory reports
in CSV, storage metrics, event notifications to the server's own SQS queues and SNS topics. Websites, too: a bucket with a
website configuration is a site at `BUCKET.s3-website-REGION.HOST` and `BUCKET.s3-website.REGION.HOST` (or without the
region), with any HOST that leads to this server, as `localhost` does in browsers; by HTTP or by HTTPS, which AWS lacks.

Every object is encrypted at rest with AES-256-GCM under a key that follows from the server's master key, which is what
`x-amz-server-side-encryption: AES256` says here; with a key of the customer's (SSE-C), or a data key that KMS wraps for
the caller (SSE-KMS), it follows from both, and opens with neither alone. Objects are whole on disk before they are
acknowledged.

Not built, and refused: S3 Select, replication, directory buckets. Kept and answered without an effect: logging, request
payment (but that a site of a bucket whose requesters pay is refused), accelerate, analytics, request metrics, tiering,
transitions between storage classes, notifications to Lambda and EventBridge. SSE-C is taken without TLS too, which AWS
refuses.
"""
