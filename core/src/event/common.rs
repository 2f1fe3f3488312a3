//! What many events share: the client, the runtime, the lineage, and small enumerations.

use super::Shared;
use crate::id::Id;
use crate::protocol::Known;
pub use crate::protocol::thread::ThreadSource;

/// Declares event enums in snake case.
macro_rules! event_enums {
    ($($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, crate::json::write::Write, crate::json::read::Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name {
            $(
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
        #[derive(Clone, Debug, PartialEq, crate::json::write::Write, crate::json::read::Read)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            $(
                $(#[$field_meta])*
                pub $field: $type,
            )+
        }
    )+};
}
pub(crate) use event_structs;

/// Says from which version on events have each member of a struct.
macro_rules! group {
    ($name:ident { $($field:ident,)+ }) => {
        impl $crate::event::versioned::Group for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
            const SINCE: &'static [u16] = &[$($crate::event::since::since(stringify!($name), stringify!($field))),+];

            fn write_members_of(&self, version: u16, text: &mut alloc::string::String) {
                let members: &[(&'static str, &dyn $crate::json::write::Write)] =
                    &[$((concat!(",\"", stringify!($field), "\":"), &self.$field)),+];
                $crate::json::write::members_since(members, Self::SINCE, version, text);
            }
        }
    };
}
pub(crate) use group;

/// Declares groups of members that only some versions of Codex have.
macro_rules! event_groups {
    ($($(#[$meta:meta])* $name:ident {
        $(#[$first_meta:meta])* $first:ident: $first_type:ty,
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
    })+) => {
        $crate::event::common::event_structs! {
            $($(#[$meta])* $name {
                $(#[$first_meta])* $first: $first_type,
                $($(#[$field_meta])* $field: $type,)*
            })+
        }
        $($crate::event::common::group! { $name { $first, $($field,)* } })+
    };
}
pub(crate) use event_groups;

event_enums! {
    /// How a connection reaches the server.
    RpcTransport {
        /// Standard input and output.
        Stdio,
        /// A socket: a WebSocket or a Unix socket.
        Websocket,
        /// The server runs in the client's own process.
        InProcess,
    }

    /// What an event is made from, where that is no traffic and no fact of a host.
    EventSource {
        /// A file that the agent wrote for itself.
        Rollout,
    }

    /// How a thread came to be.
    InitializationMode {
        /// By `thread/start`, or by the server itself.
        New,
        /// By `thread/fork`, with another thread's history.
        Forked,
        /// By `thread/resume`, with its own history.
        Resumed,
    }

    /// Who or what asked for a skill or an app.
    InvocationType {
        /// The user named it.
        Explicit,
        /// The agent chose it.
        Implicit,
    }
}

event_structs! {
    /// The client of a connection (`app_server_client`).
    #[non_exhaustive]
    Client {
        /// The client's own name, or the product it speaks for. Source: `initialize.product_client_id`.
        product_client_id: Id,
        /// The client's name. Null from a rollout, and where another program wrote the event. Source: `clientInfo.name`.
        client_name: Option<Id>,
        /// The client's version. Null from a rollout, and where another program wrote the event. Source:
        /// `clientInfo.version`.
        client_version: Option<Id>,
        /// How the client reaches the server.
        /// Null from a rollout. Source: the host; `in_process` for a thread that the server started.
        rpc_transport: Option<RpcTransport>,
        /// Whether the client takes part in the experimental API.
        /// Null without `capabilities`, and for a thread that the server started.
        /// Source: `capabilities.experimentalApi`.
        experimental_api_enabled: Option<bool>,
    }

    /// The running product (`docs/contract/facts.md` 1.3).
    #[derive(Eq)]
    #[expect(clippy::exhaustive_structs, reason = "a fact has it, whose literal ends in `..default()`")]
    Runtime {
        /// The server's version, such as `0.131.0`. Source: the server's user agent.
        codex_rs_version: Id,
        /// The operating system, such as `linux`, `macos` or `windows`. Source: `platformOs`.
        runtime_os: Id,
        /// The operating system's version, such as `24.04`. Source: the server's user agent.
        runtime_os_version: Id,
        /// The processor's kind, such as `x86_64` or `aarch64`. Source: the server's user agent.
        runtime_arch: Id,
    }

    /// A client and the runtime that serves it: one value shared by all events of a connection.
    #[non_exhaustive]
    ConnectionContext {
        /// The client that the event belongs to. Source: `initialize` of its connection.
        app_server_client: Client,
        /// The server that ran; `unknown` in each member before any `initialize`. Source: `initialize.runtime`.
        runtime: Runtime,
        /// What the event is made from. From a rollout, a null can mean that the file does not say.
        /// Null is left out: for traffic, and for facts of a host. Source: the kind of file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<EventSource>,
    }

    /// Where a thread comes from: one value shared by all events of a thread.
    #[derive(Default)]
    #[non_exhaustive]
    Lineage {
        /// Who started the thread; `subagent` if the server did. One word.
        /// Null when the server does not say, or says more than a word. Source: `thread.threadSource`.
        thread_source: Known<ThreadSource>,
        /// Why the server started the thread; `other` for a label of more than a word.
        /// Null for a thread that a client started. Source: `thread.source.subAgent`.
        subagent_source: Option<Id>,
        /// The thread that started this one.
        /// Null for a thread that a client started, and where the source names none. Source: `thread.source.subAgent`.
        parent_thread_id: Option<Id>,
    }
}

event_groups! {
    /// A thread's session (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    Session {
        /// The session that the thread belongs to; a spawned thread has its parent's.
        /// Null when the thread's opening was not seen. Source: `thread.sessionId`.
        session_id: Option<Id>,
    }

    /// Where a turn comes from (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    RootTurn {
        /// The turn with which a chain of turns began: a goal's, a queue's, a parent's; else the turn itself.
        /// Null when the server does not say. Source: `turn.rootTurnId`.
        root_turn_id: Option<Id>,
    }

    /// The voice session of a turn (0.169 and later).
    #[derive(Default)]
    #[non_exhaustive]
    VoiceSession {
        /// The voice session of the turn. Null without one, and from traffic. Source: a host's own fact.
        voice_session_id: Option<Id>,
    }

    /// The cache that was written (0.169 and later).
    #[derive(Copy, Default)]
    #[non_exhaustive]
    CacheWrites {
        /// The part of the input that was written to the cache. Tokens.
        /// Null when the use is unknown, as of an interrupted turn. Source: `tokenUsage` `cacheWriteInputTokens`.
        cache_write_input_tokens: Option<i64>,
    }
}

/// The runtime of a process that nothing has described yet: each member is `unknown`.
impl Default for Runtime {
    fn default() -> Self {
        let unknown = || Id::from("unknown");
        Self {
            codex_rs_version: unknown(),
            runtime_os: unknown(),
            runtime_os_version: unknown(),
            runtime_arch: unknown(),
        }
    }
}

/// What the events of a thread share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ThreadContext {
    pub(crate) connection: Shared<ConnectionContext>,
    pub(crate) lineage: Shared<Lineage>,
}
