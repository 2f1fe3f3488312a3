"""Reads the folder that is named with PyArrow, and prints its columns with their types, and its rows in the order of the files."""

import json
import sys

import pyarrow.dataset

events = pyarrow.dataset.dataset(sys.argv[1], format="parquet", partitioning="hive")
rows = events.to_table().to_pylist()
json.dump({"columns": [[field.name, str(field.type)] for field in events.schema], "rows": rows}, sys.stdout, default=str)
