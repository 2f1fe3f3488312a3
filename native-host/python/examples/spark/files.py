"""Sessions in folders become Parquet files, a folder for each day of UTC.

spark-submit files.py TO FOLDER...
"""

import sys

from pyspark.sql import SparkSession

from turnledger.spark import day, events

if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: spark-submit files.py TO FOLDER...")
    to, *folders = sys.argv[1:]
    spark = SparkSession.builder.appName("turnledger files").getOrCreate()
    frame = events(spark, *folders).withColumn("day", day())
    frame.write.mode("overwrite").partitionBy("day").parquet(to)
    spark.stop()
