"""The visible list of services this server offers."""

SERVICES: tuple[str, ...] = (
    "coldframe.services.cloudwatch",
    "coldframe.services.firehose",
    "coldframe.services.iam",
    "coldframe.services.kms",
    "coldframe.services.logs",
    "coldframe.services.organizations",
    "coldframe.services.rds",
    "coldframe.services.s3",
    "coldframe.services.secretsmanager",
    "coldframe.services.sns",
    "coldframe.services.sqs",
    "coldframe.services.sts",
)
