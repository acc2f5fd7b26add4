"""Filter policies: which messages a subscription wants, by their attributes or their body.

Source: Amazon SNS Developer Guide, Subscription filter policies.
"""

from coldframe.services.sns.filter_policies.checks import InvalidFilterPolicy, check_policy
from coldframe.services.sns.filter_policies.policy import FilterPolicy, compile_policy

__all__ = ["FilterPolicy", "InvalidFilterPolicy", "check_policy", "compile_policy"]
