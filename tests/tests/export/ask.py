"""Asks DuckDB the queries on standard input, a list of SQL in JSON, and prints the rows of each."""

import json
import sys

import duckdb

connection = duckdb.connect()
connection.execute("SET TimeZone = 'UTC'")
answers = []
for query in json.load(sys.stdin):
    asked = connection.execute(query)
    names = [column[0] for column in asked.description]
    answers.append([dict(zip(names, row)) for row in asked.fetchall()])
json.dump(answers, sys.stdout, default=str)
