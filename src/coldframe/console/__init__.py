"""The console: web pages over the API, for people who would rather look.

Everything that a page shows or does is an API call as the signed-in user, so that IAM decides here as everywhere; what no
AWS operation tells (durable jobs, engines) is behind actions of coldframe's own (`coldframe:ListJobs`).
"""
