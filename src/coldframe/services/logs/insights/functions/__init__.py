"""The functions of the query language, by what they are about; table.py has them all."""
