//! Whole sessions: of bytes at once, of files a part at a time.

use std::fs::File;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use turnledger_intake::recording::unpack;
use turnledger_intake::replay::Unreadable;
use turnledger_intake::session::{Options, Part, Session};

use crate::error;
use crate::events::Events;
use crate::options::options;

/// What messages call bytes.
const BYTES: &str = "<bytes>";

/// The events of a recording, as `turnledger replay` writes them.
#[pyfunction]
#[pyo3(signature = (data, *, remote = None, transport = "stdio", git = true, key = None, strict = true))]
pub(crate) fn replay(
    py: Python<'_>,
    data: PyBackedBytes,
    remote: Option<String>,
    transport: &str,
    git: bool,
    key: Option<PyBackedBytes>,
    strict: bool,
) -> PyResult<Events> {
    let options = options(remote, transport, git, key.as_deref())?;
    let part = py.detach(|| all(Session::recording(BYTES, unpack(Cursor::new(data)).map_err(bytes)?, options)));
    told(py, part, strict)
}

/// The events of a rollout, as `turnledger import` writes them.
#[pyfunction]
#[pyo3(signature = (data, *, key = None, strict = true))]
pub(crate) fn import_rollout(
    py: Python<'_>,
    data: PyBackedBytes,
    key: Option<PyBackedBytes>,
    strict: bool,
) -> PyResult<Events> {
    let options = options(None, "stdio", false, key.as_deref())?;
    let part = py.detach(|| {
        let mut part = all(Session::rollout(BYTES, unpack(Cursor::new(data)).map_err(bytes)?, options))?;
        part.sort();
        Ok(part)
    });
    told(py, part, strict)
}

/// Bytes that say that they are packed and are not.
fn bytes(error: std::io::Error) -> Unreadable {
    Unreadable::new(BYTES, error)
}

fn all(mut session: Session) -> Result<Part, Unreadable> {
    let mut all = Part::default();
    while let Some(part) = session.part()? {
        all.append(&part);
    }
    Ok(all)
}

/// What came out; of bad lines an error says so, with what the good ones gave.
fn told(py: Python<'_>, part: Result<Part, Unreadable>, strict: bool) -> PyResult<Events> {
    let events = Events::from(part.map_err(|error| error::of(&error))?);
    if strict && events.first_note().is_some() {
        let error = error::said(events.first_note().unwrap_or_default());
        error.value(py).setattr("events", Py::new(py, events)?)?;
        return Err(error);
    }
    Ok(events)
}

/// A session that is read a part at a time.
#[pyclass(frozen, module = "turnledger")]
pub(crate) struct Parts {
    session: Mutex<Session>,
}

/// What a caller names: bytes, or a file.
#[derive(FromPyObject)]
enum Stored {
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

#[pymethods]
impl Parts {
    #[new]
    #[pyo3(signature = (source, *, name = None, remote = None, transport = "stdio", git = true, key = None))]
    fn new(
        py: Python<'_>,
        source: Stored,
        name: Option<String>,
        remote: Option<String>,
        transport: &str,
        git: bool,
        key: Option<PyBackedBytes>,
    ) -> PyResult<Self> {
        let options = options(remote, transport, git, key.as_deref())?;
        let session = py.detach(|| open(source, name, options)).map_err(|error| error::of(&error))?;
        Ok(Self { session: Mutex::new(session) })
    }

    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Events>> {
        let part = py.detach(|| self.session.lock().unwrap_or_else(PoisonError::into_inner).part());
        Ok(part.map_err(|error| error::of(&error))?.map(Events::from))
    }
}

fn open(source: Stored, name: Option<String>, options: Options) -> Result<Session, Unreadable> {
    match source {
        Stored::Bytes(data) => Session::open(name.as_deref().unwrap_or(BYTES), Cursor::new(data), options),
        Stored::Path(path) => {
            let name = name.unwrap_or_else(|| path.display().to_string());
            let file = File::open(path).map_err(|error| Unreadable::new(&name, error))?;
            Session::open(&name, file, options)
        }
    }
}
