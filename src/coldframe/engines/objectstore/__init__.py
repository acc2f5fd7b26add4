"""The object store: immutable blobs as sealed files of one directory, written durably and read in pieces."""
