//! Connections (contract `rules.md` 2.1) and the originator (`facts.md` 2).

use super::Reducer;
use crate::digest::Digest;
use crate::discard::{Ids, Reason, Subject};
use crate::event::Shared;
use crate::event::common::{Client, ConnectionContext};
use crate::fact::protocol::Initialize;
use crate::id::Id;
use crate::output::Output;
use crate::read::Read;
use crate::write::Write;

#[derive(Clone, Debug, Write, Read)]
pub(super) struct Connection {
    pub(super) context: Shared<ConnectionContext>,
    /// Whether the server is newer than the contract's 0.131, and so reports some more.
    pub(super) is_newer: bool,
}

/// Whether a version of Codex is newer than the contract's 0.131.
pub(crate) fn is_newer(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u64>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) > (0, 131)
}

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
                rpc_transport: fact.rpc_transport,
                experimental_api_enabled: fact.params.capabilities.map(|capabilities| capabilities.experimental_api),
            },
            runtime: fact.runtime.clone(),
        };
        let is_newer = is_newer(&context.runtime.codex_rs_version);
        let connection = Connection { context: context.into(), is_newer };
        if let Some((evicted, _)) = self.state.connections.insert(self.state.now, fact.connection_id, connection) {
            let ids = Ids { connection_id: Some(evicted), ..Ids::default() };
            output.discard(self.state.now, Subject::Connection, Reason::Evicted, ids);
        }
        self.state.runtime = Some(fact.runtime);
    }

    /// The first writer wins; a name that no HTTP header can carry counts as none.
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

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn versions() {
        for (version, expected) in [
            ("0.131.0", false),
            ("0.131.9-alpha.1", false),
            ("0.132.0", true),
            ("0.169.0", true),
            ("1.0.0", true),
            ("unknown", false),
        ] {
            assert_eq!(is_newer(version), expected, "{version}");
        }
    }
}
