"""coldframe: a self-hosted cloud that answers the AWS API and does the work behind each call."""

__version__ = "0.1.0"
