"""IAM: users, groups, roles, policies and access keys, all enforced at the next request.

Real here: everything that decides who may, the policy simulator, the credential report, virtual MFA devices whose codes
are checked, server certificates, and identity providers as records. Not here: when keys and roles were last used, the
last-accessed reports, signing certificates, SSH keys, service-specific credentials and delegation; they answer 501.
"""
