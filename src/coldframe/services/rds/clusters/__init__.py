"""DB clusters: a writer and readers that acknowledge what it writes, behind endpoints that follow the writer's role.

`membership.py` has the rule by which nothing acknowledged is lost, `failover.py` the order of steps in which a reader takes
over; both are reasoned in docs/decisions/0026.
"""
