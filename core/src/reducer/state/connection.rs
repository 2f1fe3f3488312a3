//! Connections.

use alloc::string::String;

use crate::dialect::Dialect;
use crate::event::Shared;
use crate::event::common::ConnectionContext;
use crate::json::read::{Failed, Read, Reader};
use crate::json::write::Write;

/// A client and the server that it speaks to.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) context: Shared<ConnectionContext>,
    pub(crate) dialect: &'static Dialect,
}

impl Connection {
    pub(crate) fn new(context: Shared<ConnectionContext>) -> Self {
        let dialect = Dialect::of(&context.runtime.codex_rs_version);
        Self { context, dialect }
    }
}

/// Saved as its context: the dialect is what this build knows of the server's version.
impl Write for Connection {
    fn write(&self, text: &mut String) {
        self.context.write(text);
    }
}

impl<'text> Read<'text> for Connection {
    fn read(reader: &mut Reader<'text>) -> Result<Self, Failed> {
        Shared::read(reader).map(Self::new)
    }
}
