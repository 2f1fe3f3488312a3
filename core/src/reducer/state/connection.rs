//! Connections.

use alloc::string::String;

use super::thread::Origin;
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

    /// What a thread's events say of the connection: the thread's originator counts more than the client.
    pub(crate) fn context_of(&self, origin: Option<&Origin>) -> Shared<ConnectionContext> {
        match origin.and_then(|origin| origin.originator.as_ref()) {
            Some(originator) if *originator != self.context.app_server_client.product_client_id => {
                let mut context = ConnectionContext::clone(&self.context);
                context.app_server_client.product_client_id = originator.clone();
                context.into()
            }
            _ => self.context.clone(),
        }
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
