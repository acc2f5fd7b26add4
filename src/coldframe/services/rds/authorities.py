"""The certificate authority that RDS calls by this name; apart from what makes its certificates, which is large."""

DEFAULT = "rds-ca-rsa2048-g1"
