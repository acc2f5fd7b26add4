"""IAM: users, groups, roles, policies and access keys, all enforced at the next request.

Real here: everything that decides who may, the policy simulator, the credential report, virtual MFA devices whose codes
are checked, server certificates, signing certificates, SSH keys and service-specific credentials (which no service here
takes), when keys and roles were last used, the last-accessed reports, and identity providers as records. Not here: the
report across an organization and delegation; they answer 501.
"""
