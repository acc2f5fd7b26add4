"""Subscriptions on their way to Firehose: what is sent, to which stream and as which role, and how nothing is lost."""
