"""Arrow's modules, loaded together at first use: 40 MB that an idle server does not need.

One door for all threads: two of them importing different parts of Arrow at once may meet a half-loaded one.
"""

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

__all__ = ["pa", "parquet", "pc"]
