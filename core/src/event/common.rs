//! What many events share: the client, the runtime, the lineage, and small enumerations.

use super::Shared;
use crate::id::Id;
pub use crate::protocol::thread::ThreadSource;

/// Declares event enums in snake case.
macro_rules! event_enums {
    ($($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::write::Write, crate::read::Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[allow(missing_docs, reason = "the contract's own word says it")]
                $(#[$variant_meta])*
                $variant,
            )+
        }
    )+};
}
pub(crate) use event_enums;

/// Declares event structs: serialised in the order of their fields.
macro_rules! event_structs {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, crate::write::Write, crate::read::Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            $(
                #[allow(missing_docs, reason = "the contract's table of the event says it")]
                $(#[$field_meta])*
                pub $field: $type,
            )+
        }
    )+};
}
pub(crate) use event_structs;

event_enums! {
    /// How a connection reaches the server.
    RpcTransport { Stdio, Websocket, InProcess }

    /// How a thread came to be.
    InitializationMode { New, Forked, Resumed }

    /// Who or what asked for a skill or an app.
    InvocationType { Explicit, Implicit }
}

event_structs! {
    /// The client of a connection (`app_server_client`).
    Client {
        product_client_id: Id,
        client_name: Option<Id>,
        client_version: Option<Id>,
        rpc_transport: RpcTransport,
        experimental_api_enabled: Option<bool>,
    }

    /// The running product (contract `facts.md` 1.3).
    #[derive(Eq)]
    Runtime {
        codex_rs_version: Id,
        runtime_os: Id,
        runtime_os_version: Id,
        runtime_arch: Id,
    }

    /// A client and the runtime that serves it: one value shared by all events of a connection.
    ConnectionContext {
        app_server_client: Client,
        runtime: Runtime,
    }

    /// Where a thread comes from: one value shared by all events of a thread.
    #[derive(Default)]
    Lineage {
        thread_source: Option<ThreadSource>,
        subagent_source: Option<Id>,
        parent_thread_id: Option<Id>,
    }
}

/// What the events of a thread share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ThreadContext {
    pub(crate) connection: Shared<ConnectionContext>,
    pub(crate) lineage: Shared<Lineage>,
}
