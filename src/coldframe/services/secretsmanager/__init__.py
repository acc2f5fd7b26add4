"""AWS Secrets Manager: secrets whose every version is encrypted under a key of KMS, really through it.

Real here: versions and their staging labels, the recovery window and the deletion after it, resource policies, partial
ARNs, filters, random passwords, secrets that another service owns. A value is encrypted with a data key of its own,
which KMS wraps for the caller in the encryption context SecretARN and SecretVersionId. Replicas in other Regions of this
installation follow their primary secret. Those that a service manages, such as master passwords of RDS, are rotated by it,
every seven days or as their rotation rules say; rotation of others needs Lambda functions, which are not here.
"""
