//! Connections (`docs/contract/rules.md` 2.1) and the originator (`docs/contract/facts.md` 2).

use super::Reducer;
use super::state::Connection;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::common::{Client, ConnectionContext};
use crate::fact::opened::SourceOpened;
use crate::fact::protocol::Initialize;
use crate::id::{ConnectionId, Id};
use crate::output::Output;

/// Clients of the product itself, which never become the originator.
const NEVER_ORIGINATOR: [&str; 2] = ["codex_app_server_daemon", "codex-backend"];

impl<D: Digest> Reducer<D> {
    pub(super) fn initialize(&mut self, fact: Initialize, output: &mut Output) {
        self.set_originator(&fact);
        let client = fact.params.client_info;
        let context = ConnectionContext {
            app_server_client: Client {
                product_client_id: fact.product_client_id,
                client_name: Some(client.name),
                client_version: Some(client.version),
                rpc_transport: Some(fact.rpc_transport),
                experimental_api_enabled: fact.params.capabilities.map(|capabilities| capabilities.experimental_api),
            },
            runtime: fact.runtime,
            source: None,
        };
        self.insert_connection(fact.connection_id, context, output);
    }

    /// A file says who ran.
    pub(super) fn source_opened(&mut self, fact: SourceOpened, output: &mut Output) {
        let context = ConnectionContext {
            app_server_client: Client {
                product_client_id: fact.product_client_id,
                client_name: None,
                client_version: None,
                rpc_transport: None,
                experimental_api_enabled: None,
            },
            runtime: fact.runtime,
            source: Some(fact.source),
        };
        self.insert_connection(fact.connection_id, context, output);
    }

    fn insert_connection(&mut self, id: ConnectionId, context: ConnectionContext, output: &mut Output) {
        self.state.runtime = Some(context.runtime.clone());
        let connection = Connection::new(context.into());
        if let Some((evicted, _)) = self.state.connections.insert(self.state.now, id, connection) {
            let ids = Ids { connection_id: Some(evicted), ..Ids::default() };
            output.discard(self.state.at, Subject::Connection, Reason::Evicted, ids);
        }
    }

    /// The first client wins. A name that no HTTP header can carry does not count.
    fn set_originator(&mut self, fact: &Initialize) {
        if self.state.originator.is_some() {
            return;
        }
        let name: &Id = &fact.params.client_info.name;
        let originator = match &fact.originator {
            Some(originator) => originator,
            None if NEVER_ORIGINATOR.contains(&name.as_str()) => return,
            None => name,
        };
        if originator.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
            self.state.originator = Some(originator.clone());
        }
    }
}
