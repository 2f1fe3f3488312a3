"""Messages of many sessions, interleaved in JSON files that come into a folder, become Parquet files of events.

spark-submit --conf spark.sql.streaming.stateStore.providerClass=\
org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider stream.py TO CHECKPOINT FOLDER
"""

import sys

from pyspark.sql import SparkSession

from turnledger.spark import MESSAGES, day, stream

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: spark-submit stream.py TO CHECKPOINT FOLDER")
    to, checkpoint, folder = sys.argv[1:]
    spark = SparkSession.builder.appName("turnledger stream").getOrCreate()
    messages = spark.readStream.schema(MESSAGES).json(folder)
    query = (
        stream(messages)
        .withColumn("day", day())
        .writeStream.format("parquet")
        .partitionBy("day")
        .option("path", to)
        .option("checkpointLocation", checkpoint)
        .trigger(processingTime="10 seconds")
        .start()
    )
    query.awaitTermination()
