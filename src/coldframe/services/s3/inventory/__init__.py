"""S3 Inventory: lists of a bucket's objects, made every day or week and put into a bucket.

Source: Amazon S3 User Guide, "Cataloging and analyzing your data with S3 Inventory".
"""
