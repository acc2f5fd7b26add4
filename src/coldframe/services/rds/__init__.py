"""Amazon RDS: MariaDB and PostgreSQL instances that really run, replicate, are backed up and switched over.

Real here: instances on loopback addresses of their own behind endpoints that hold clients instead of cutting them off,
read replicas, parameter groups, snapshots, restores to a moment, events, logs, certificates, Blue/Green deployments that
lose nothing at whatever moment the server is killed, and Optimized Reads and Writes as far as the storage allows. DB clusters
are a writer and readers that acknowledge what it writes: `aurora-postgresql` and Multi-AZ `postgres` on PostgreSQL, and
`mariadb`, which RDS does not have as clusters. Aurora's shared storage is Amazon's own; MySQL is not here, and MariaDB is never
offered under its name. Subnets and security groups are remembered and guard nothing until there are networks here.
Encrypted storage of instances and clusters is the kernel's (fscrypt), under data keys of KMS, where the file system can.
"""
