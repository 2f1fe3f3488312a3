//! Record batches of Arrow with the columns that Parquet files have.
//!
//! `docs/parquet.md` has the columns.

use std::sync::{Arc, LazyLock};

use arrow_array::PrimitiveArray;
use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_array::types::TimestampMillisecondType;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

pub use crate::columns::{COLUMNS, Column, Kind, Row};
use crate::columns::{Cell, Seen};

/// Times are moments in UTC.
const ZONE: &str = "UTC";

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |column: &Column| Field::new(column.name, data_type(column.kind), !column.is_required());
    Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>()))
});

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Whole => DataType::Int64,
        Kind::Time => DataType::Timestamp(TimeUnit::Millisecond, Some(ZONE.into())),
    }
}

/// The schema of every batch.
pub fn schema() -> SchemaRef {
    SCHEMA.clone()
}

/// Why events are not in a batch.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A text that is no event.
    #[error("this is no event, so it is in no batch")]
    Event(#[source] serde_json::Error),
    /// The rows do not make a batch.
    #[error("the events cannot be a batch")]
    Arrow(#[source] ArrowError),
}

/// Rows on their way into a batch.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

#[derive(Debug)]
enum Values {
    Text(StringBuilder),
    Whole(Int64Builder),
    Time(Int64Builder),
}

impl Default for Rows {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl Rows {
    /// None yet, with memory for so many.
    pub fn with_capacity(rows: usize) -> Self {
        let values = |column: &Column| match column.kind {
            Kind::Text => Values::Text(StringBuilder::with_capacity(rows, 0)),
            Kind::Whole => Values::Whole(Int64Builder::with_capacity(rows)),
            Kind::Time => Values::Time(Int64Builder::with_capacity(rows)),
        };
        Self { columns: COLUMNS.iter().map(values).collect(), rows: 0, bytes: 0 }
    }

    /// Adds an event.
    ///
    /// # Errors
    ///
    /// [`BatchError::Event`] for a text that is no event. The rows are as before.
    pub fn add(&mut self, row: &Row<'_>) -> Result<(), BatchError> {
        let seen = Seen::of(row).map_err(BatchError::Event)?;
        for (column, values) in COLUMNS.iter().zip(&mut self.columns) {
            values.push(column.cell(&seen));
        }
        self.rows += 1;
        self.bytes += seen.size();
        Ok(())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row was added.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// About how much memory they take. Bytes.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The batch. No rows are left.
    ///
    /// # Errors
    ///
    /// [`BatchError::Arrow`] if Arrow refuses them.
    pub fn finish(&mut self) -> Result<RecordBatch, BatchError> {
        (self.rows, self.bytes) = (0, 0);
        let arrays = self.columns.iter_mut().map(Values::finish).collect();
        RecordBatch::try_new(schema(), arrays).map_err(BatchError::Arrow)
    }
}

impl Values {
    fn push(&mut self, cell: Option<Cell<'_>>) {
        match (self, cell) {
            (Self::Text(values), Some(Cell::Text(text))) => values.append_value(text),
            (Self::Text(values), _) => values.append_null(),
            (Self::Whole(values) | Self::Time(values), Some(Cell::Whole(number))) => values.append_value(number),
            (Self::Whole(values) | Self::Time(values), _) => values.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(values.finish()),
            Self::Whole(values) => Arc::new(values.finish()),
            Self::Time(values) => {
                let times: PrimitiveArray<TimestampMillisecondType> = values.finish().reinterpret_cast();
                Arc::new(times.with_timezone(ZONE))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int64Type, TimestampMillisecondType};
    use arrow_schema::DataType;
    use turnledger_core::UnixMillis;

    use super::{COLUMNS, Row, Rows, schema};

    #[test]
    fn a_batch_has_what_the_event_says() {
        let event =
            r#"{"event_type":"codex_turn_event","event_params":{"thread_id":"t","turn_id":"u","input_tokens":7}}"#;
        let mut rows = Rows::default();
        assert!(rows.add(&Row::new("[]")).is_err());
        rows.add(&Row::new(event).at(UnixMillis(5)).session_id("s")).expect("an event");
        assert_eq!(rows.len(), 1);
        let batch = rows.finish().expect("a batch");
        assert!(rows.is_empty());
        let text =
            |name: &str| batch.column_by_name(name).expect("a column").as_string::<i32>().iter().next().flatten();
        assert_eq!(
            ["type", "thread_id", "session_id", "turn_id", "item_id", "event_params"].map(text),
            [
                Some("codex_turn_event"),
                Some("t"),
                Some("s"),
                Some("u"),
                None,
                Some(r#"{"thread_id":"t","turn_id":"u","input_tokens":7}"#)
            ]
        );
        let time = batch.column_by_name("time").expect("a column").as_primitive::<TimestampMillisecondType>();
        let tokens = batch.column_by_name("input_tokens").expect("a column").as_primitive::<Int64Type>();
        assert_eq!((time.value(0), tokens.value(0)), (5, 7));
        assert_eq!(time.timezone(), Some("UTC"));
    }

    #[test]
    fn the_schema_has_every_column() {
        let schema = schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>());
        let needed = schema.fields().iter().filter(|field| !field.is_nullable()).map(|field| field.name().as_str());
        assert_eq!(needed.collect::<Vec<_>>(), ["type", "event_params"]);
        assert_eq!(schema.field_with_name("duration_ms").expect("a field").data_type(), &DataType::Int64);
    }
}
