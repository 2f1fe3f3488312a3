//! Events that came out, in the form that is asked for.

use std::sync::Arc;

use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyCapsule, PyList};
use turnledger_export::arrow::{BatchError, Row, Rows, schema};
use turnledger_intake::session::Part;

use crate::error;

/// About how much memory a batch takes. Bytes.
const BATCH_BYTES: usize = 8 << 20;
/// The most rows of a batch.
const BATCH_ROWS: usize = 1 << 16;

/// Events, in the order in which they came about.
#[pyclass(frozen, module = "turnledger")]
#[derive(Clone)]
pub(crate) struct Events {
    part: Arc<Part>,
}

impl From<Part> for Events {
    fn from(part: Part) -> Self {
        Self { part: Arc::new(part) }
    }
}

impl Events {
    pub(crate) fn lines(&self) -> &[u8] {
        &self.part.lines
    }

    pub(crate) fn first_note(&self) -> Option<&str> {
        self.part.notes.first().map(String::as_str)
    }
}

#[pymethods]
impl Events {
    fn __len__(&self) -> usize {
        self.part.places.len()
    }

    fn __repr__(&self) -> String {
        format!("<turnledger.Events: {} events, {} notes>", self.part.places.len(), self.part.notes.len())
    }

    #[staticmethod]
    fn concat(py: Python<'_>, all: Vec<PyRef<'_, Self>>) -> Self {
        let parts: Vec<_> = all.iter().map(|events| events.part.clone()).collect();
        py.detach(|| {
            let mut whole = Part::default();
            for part in parts {
                whole.append(&part);
            }
            Self::from(whole)
        })
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.part.lines.len()
    }

    #[getter]
    fn notes(&self) -> Vec<String> {
        self.part.notes.clone()
    }

    fn to_json<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.part.lines)
    }

    fn to_dicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.part.places.is_empty() {
            return Ok(PyList::empty(py).into_any());
        }
        let array = py.detach(|| {
            let mut array = Vec::with_capacity(self.part.lines.len() + 1);
            array.push(b'[');
            array.extend(self.part.lines.iter().map(|byte| if *byte == b'\n' { b',' } else { *byte }));
            // Behind the last event.
            array.pop();
            array.push(b']');
            array
        });
        py.import("json")?.call_method1("loads", (PyBytes::new(py, &array),))
    }

    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The one schema; a consumer that wants another casts.
        drop(requested_schema);
        let batches = Batches { part: self.part.clone(), next: 0, from: 0 };
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(Box::new(batches)), c"arrow_array_stream")
    }
}

/// The schema of all events, for whoever imports schemas of Arrow.
#[pyclass(frozen, module = "turnledger")]
pub(crate) struct ArrowSchema;

#[pymethods]
impl ArrowSchema {
    #[expect(clippy::unused_self, reason = "Python calls it on an object")]
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema = FFI_ArrowSchema::try_from(schema().as_ref()).map_err(|error| error::of(&error))?;
        PyCapsule::new_with_value(py, schema, c"arrow_schema")
    }
}

/// The schema of all events.
#[pyfunction]
#[pyo3(name = "arrow_schema")]
pub(crate) const fn schema_object() -> ArrowSchema {
    ArrowSchema
}

/// Makes batches as they are asked for.
struct Batches {
    part: Arc<Part>,
    /// The event that comes next, and where it begins.
    next: usize,
    from: usize,
}

impl Batches {
    fn batch(&mut self) -> Result<RecordBatch, BatchError> {
        let left = self.part.places.len() - self.next;
        let mut rows = Rows::with_capacity(left.min(BATCH_ROWS));
        while let Some((at, end)) = self.part.places.get(self.next).copied()
            && rows.len() < BATCH_ROWS
            && rows.bytes() < BATCH_BYTES
        {
            let line = &self.part.lines[self.from..end - 1];
            (self.from, self.next) = (end, self.next + 1);
            // An event's JSON is a text, and what is none is no event.
            let event = std::str::from_utf8(line).unwrap_or_default();
            rows.add(&Row::new(event).received_at(at))?;
        }
        rows.finish()
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_over = self.next >= self.part.places.len();
        (!is_over).then(|| self.batch().map_err(|error| ArrowError::ExternalError(Box::new(error))))
    }
}

impl RecordBatchReader for Batches {
    fn schema(&self) -> SchemaRef {
        schema()
    }
}
