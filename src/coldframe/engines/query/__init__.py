"""The query engine: analytical SQL in this process (DuckDB) over Parquet files and columns in memory."""
