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
        #[command(next_help_heading = "Settings, which the environment or turnledger.toml can have, too")]
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
    /// What makes the hashes. A key comes from a file: an argument would show it to everyone on the machine.
    KeyArgs {
        /// A file with your organisation's key: hashes are made with HMAC-SHA-256 and it, so that no one
        /// without it can guess lines. A line end after the key does not count
        key_file: "FILE",
    }
}

flags! {
    /// Where events go.
    UploadArgs {
        /// Upload events to a server: `URL/codex/analytics-events/events`; or `none`
        upload: "URL",
        /// Credentials for uploads, in a file of Codex's `auth.json` form; or `none`
        auth: "FILE",
        /// Certificates in PEM form that replace those of the public authorities; or `none`
        certificates: "FILE",
        /// How long a request takes at most [default: 10]
        timeout_seconds: "NUMBER",
    }
}

flags! {
    /// In what portions events go.
    BatchArgs {
        /// The most events in a request [default: 100]
        batch_events: "NUMBER",
        /// The most bytes in a request [default: 1048576]
        batch_bytes: "NUMBER",
        /// How long an event waits for others to share its request [default: 5]
        batch_seconds: "NUMBER",
    }
}

flags! {
    /// Where events wait.
    SpoolArgs {
        /// Where events wait until they are uploaded, also for the next session; or `none`: in memory
        /// [default: turnledger/spool.db in the folder for state]
        spool: "FILE",
        /// How many bytes of events wait at most; the oldest go first [default: 268435456]
        spool_bytes: "NUMBER",
        /// How long an event waits at most [default: 30]
        spool_days: "NUMBER",
    }
}
