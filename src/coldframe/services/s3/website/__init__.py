"""The website endpoint: a bucket with a website configuration is served to browsers, as a site and not as an API.

Source: Amazon S3 User Guide, "Website endpoints" and "Hosting a static website using Amazon S3".
"""

from coldframe.services.s3.website.site import answer

__all__ = ["answer"]
