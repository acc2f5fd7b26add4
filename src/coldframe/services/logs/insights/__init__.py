"""CloudWatch Logs Insights: the query language, its translation to SQL, and queries that run in the background."""
