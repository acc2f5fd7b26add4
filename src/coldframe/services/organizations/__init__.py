"""Organizations: accounts under one management account, in a tree of units whose control policies bind at the next call.

Real here: accounts made with a role to reach them by, closed accounts that nobody can use any more, units, service and
resource control policies, invitations between the accounts of this installation, delegation by service and by resource
policy, and the condition keys about organizations (identity/organization.py). Accounts are made at once, so that the
status of a request is final when it is answered. Not here: management policies (tags, backup, ...), of which nothing
would take note, moving an organization from consolidated billing to all features, GovCloud, and billing.
"""
