//! One file: rows in groups, so that only one group is in memory.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::TypePtr;

use crate::columns::{COLUMNS, Cell, Column, Kind, Seen};

/// The most rows of a group.
const GROUP_ROWS: usize = 1 << 16;
/// The most bytes of a group, before it is compressed, roughly.
const GROUP_BYTES: usize = 32 << 20;

/// A file that is being written.
pub(super) struct File<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    group: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// A column's values in a group, and for each row whether it has one.
enum Values {
    Text(Vec<ByteArray>, Vec<i16>),
    Whole(Vec<i64>, Vec<i16>),
}

impl<W: Write + Send> File<W> {
    pub(super) fn new(to: W) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("turnledger ", env!("CARGO_PKG_VERSION")).into())
            // No two rows share it.
            .set_column_dictionary_enabled("event_params".into(), false)
            .build();
        let writer = SerializedFileWriter::new(to, schema()?, Arc::new(properties))?;
        Ok(Self { writer, group: empty(), rows: 0, bytes: 0 })
    }

    pub(super) fn add(&mut self, seen: &Seen<'_>) -> Result<()> {
        for (column, values) in COLUMNS.iter().zip(&mut self.group) {
            values.push(column.cell(seen));
        }
        self.rows += 1;
        self.bytes += seen.size();
        if self.rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<()> {
        let mut group = self.writer.next_row_group()?;
        for (column, values) in COLUMNS.iter().zip(std::mem::replace(&mut self.group, empty())) {
            let Some(mut writer) = group.next_column()? else {
                return Err(ParquetError::General(format!("the schema has no column {}", column.name)));
            };
            match values {
                Values::Text(values, levels) => {
                    writer.typed::<ByteArrayType>().write_batch(&values, levels_of(column, &levels), None)?;
                }
                Values::Whole(values, levels) => {
                    writer.typed::<Int64Type>().write_batch(&values, levels_of(column, &levels), None)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }

    /// Writes what is left, and returns what it wrote to.
    pub(super) fn finish(mut self) -> Result<W> {
        if self.rows > 0 {
            self.write_group()?;
        }
        self.writer.into_inner()
    }
}

/// The files' schema.
fn schema() -> Result<TypePtr> {
    let mut text = String::from("message event {");
    for column in COLUMNS {
        let (physical, logical) = match column.kind {
            Kind::Text => ("binary", " (STRING)"),
            Kind::Whole => ("int64", ""),
            Kind::Time => ("int64", " (TIMESTAMP(MILLIS,true))"),
        };
        let needed = if column.is_required() { "required" } else { "optional" };
        // To write to a text does not fail.
        let _ = fmt::Write::write_fmt(&mut text, format_args!(" {needed} {physical} {}{logical};", column.name));
    }
    text.push('}');
    parse_message_type(&text).map(TypePtr::new)
}

fn empty() -> Vec<Values> {
    let values = |column: &Column| match column.kind {
        Kind::Text => Values::Text(Vec::new(), Vec::new()),
        Kind::Whole | Kind::Time => Values::Whole(Vec::new(), Vec::new()),
    };
    COLUMNS.iter().map(values).collect()
}

/// A column that always has a value says of no row whether it has one.
fn levels_of<'l>(column: &Column, levels: &'l [i16]) -> Option<&'l [i16]> {
    (!column.is_required()).then_some(levels)
}

impl Values {
    fn push(&mut self, cell: Option<Cell<'_>>) {
        match (self, cell) {
            (Self::Text(values, levels), Some(Cell::Text(text))) => {
                values.push(ByteArray::from(text));
                levels.push(1);
            }
            (Self::Whole(values, levels), Some(Cell::Whole(number))) => {
                values.push(number);
                levels.push(1);
            }
            (Self::Text(_, levels) | Self::Whole(_, levels), _) => levels.push(0),
        }
    }
}
