//! The flags of settings, in the groups that commands share.

use std::ffi::{OsStr, OsString};

use clap::Args;

/// Flags of settings, by the setting's name.
pub(crate) trait Flags {
    fn given(&self) -> Vec<(&'static str, Option<&OsStr>)>;
}

/// Declares a group of flags, each of a setting of the same name.
macro_rules! flags {
    ($(#[$group_meta:meta])* $group:ident { $($(#[$meta:meta])* $name:ident: $value:literal,)+ }) => {
        $(#[$group_meta])*
        #[derive(Debug, Default, Args)]
        #[command(next_help_heading = "Settings (also in the environment or a file: see `turnledger config --help`)")]
        pub(crate) struct $group {
            $($(#[$meta])* #[arg(long, value_name = $value)] $name: Option<OsString>,)+
        }

        impl Flags for $group {
            fn given(&self) -> Vec<(&'static str, Option<&OsStr>)> {
                vec![$((stringify!($name), self.$name.as_deref())),+]
            }
        }
    };
}

flags! {
    /// What makes the hashes. The key is in a file, since every user of the machine can read arguments.
    KeyArgs {
        /// File with your organisation's key, 16 bytes or more. Hashes are then HMAC-SHA-256 with this key: nobody
        /// without the key can check a guess. A line end after the key is ignored
        key_file: "FILE",
    }
}

flags! {
    /// Where events go.
    UploadArgs {
        /// Server to send events to, at `URL/codex/analytics-events/events`; or `none`
        upload: "URL",
        /// File with credentials for the server, in the form of Codex's `auth.json`; or `none`
        auth: "FILE",
        /// File with a token for the server and nothing else, such as `turnledger collect token add` prints; or `none`
        token_file: "FILE",
        /// File with PEM certificates to trust instead of the system's; or `none`
        certificates: "FILE",
        /// Longest time of a request, in seconds [default: 10]
        timeout_seconds: "NUMBER",
    }
}

flags! {
    /// Where events go as OpenTelemetry.
    OtlpArgs {
        /// Receiver of OpenTelemetry to send logs, traces and metrics to, over HTTP at `URL/v1/logs` and so on; `env` for
        /// what `OTEL_EXPORTER_OTLP_ENDPOINT` names; or `none`
        otlp: "URL",
        /// What the receiver speaks: `http/protobuf` or `grpc` [default: `OTEL_EXPORTER_OTLP_PROTOCOL`, else http/protobuf]
        otlp_protocol: "PROTOCOL",
    }
}

flags! {
    /// How events are grouped into requests.
    BatchArgs {
        /// The most events in a request [default: 100]
        batch_events: "NUMBER",
        /// The most bytes in a request [default: 1048576]
        batch_bytes: "NUMBER",
        /// Longest wait of an event for others to share its request, in seconds [default: 5]
        batch_seconds: "NUMBER",
    }
}

flags! {
    /// Where events wait.
    SpoolArgs {
        /// Folder in which events wait until they are sent, also across sessions; with `none` they wait in memory. An
        /// SQLite file of an earlier version also works [default: turnledger/spool in `XDG_STATE_HOME` or
        /// ~/.local/state]
        spool: "PATH",
        /// Most bytes of events that wait; the oldest are dropped first [default: 268435456]
        spool_bytes: "NUMBER",
        /// Longest wait of an event, in days [default: 30]
        spool_days: "NUMBER",
    }
}

flags! {
    /// Where events are kept.
    StoreArgs {
        /// File in which events are kept; or `none` [default: turnledger/events.db in `XDG_STATE_HOME` or
        /// ~/.local/state]
        store: "FILE",
    }
}

impl OtlpArgs {
    /// Whether the flag is there. A command that reads what was before sends it only if it is told to.
    pub(crate) const fn is_given(&self) -> bool {
        self.otlp.is_some()
    }
}

/// Whether events are kept, and where.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings (also in the environment or a file: see `turnledger config --help`)")]
pub(crate) struct KeepArgs {
    /// Keep events in the store, or in FILE [default: turnledger/events.db in `XDG_STATE_HOME` or ~/.local/state]
    #[arg(long, value_name = "FILE", require_equals = true)]
    #[expect(clippy::option_option, reason = "the flag may be there without a value")]
    store: Option<Option<OsString>>,
}

impl KeepArgs {
    /// Whether the flag is there.
    pub(crate) const fn is_given(&self) -> bool {
        self.store.is_some()
    }
}

impl Flags for KeepArgs {
    fn given(&self) -> Vec<(&'static str, Option<&OsStr>)> {
        vec![("store", self.store.as_ref().and_then(|file| file.as_deref()))]
    }
}
