//! The directories that a message says a thread works in: see [`DirectoriesNamed`].

use alloc::vec::Vec;

use super::content::{ClientCall, ServerResult, Signal};
use super::message::Message;
use crate::fact::directories::DirectoriesNamed;
use crate::id::Id;
use crate::json::read::{Failed, Read, Reader};
use crate::private::HostPath;

/// Whether a message may say where a thread works.
pub(crate) fn may_be_in(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::ClientRequest { call: ClientCall::TurnStart(_), .. }
            | Message::Response { result: ServerResult::Thread(_), .. }
            | Message::Signal(Signal::ThreadStarted(_) | Signal::SettingsUpdated(_))
    )
}

/// The directories in the text of such a message, each once. What has another form is passed over.
pub(crate) fn named(text: &[u8]) -> Option<DirectoriesNamed> {
    let mut found = Found::default();
    found.read(&mut Reader::new(core::str::from_utf8(text).ok()?), false).ok()?;
    Some(DirectoriesNamed { thread_id: found.thread_id?, directories: found.directories })
}

#[derive(Default)]
struct Found {
    thread_id: Option<Id>,
    directories: Vec<HostPath>,
}

impl Found {
    fn read(&mut self, reader: &mut Reader<'_>, is_thread: bool) -> Result<(), Failed> {
        reader.members(&mut |reader, name| {
            match (&*name, reader.peek()?) {
                ("params" | "result" | "threadSettings", b'{') => self.read(reader, false)?,
                ("thread", b'{') => self.read(reader, true)?,
                ("threadId", b'"') => self.thread_id = Some(Id::read(reader)?),
                ("id", b'"') if is_thread => self.thread_id = Some(Id::read(reader)?),
                ("cwd", b'"') => self.directory(reader)?,
                ("environments" | "runtimeWorkspaceRoots", b'[') => {
                    reader.array(&mut |reader| match reader.peek()? {
                        b'"' => self.directory(reader),
                        b'{' => self.read(reader, false),
                        _ => reader.skip(),
                    })?;
                }
                _ => reader.skip()?,
            }
            Ok(())
        })
    }

    fn directory(&mut self, reader: &mut Reader<'_>) -> Result<(), Failed> {
        let directory = HostPath::read(reader)?;
        if !self.directories.contains(&directory) {
            self.directories.push(directory);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::named;

    #[test]
    fn where_messages_name_directories() {
        let environments = r#"{"environmentId":"local","cwd":"/b","runtimeWorkspaceRoots":["/b","/c"]}"#;
        for (text, directories) in [
            (r#"{"id":"r","result":{"thread":{"id":"t","cwd":"/a","turns":[{"cwd":"/no"}]},"cwd":"/a"}}"#, "/a"),
            (r#"{"id":1,"result":{"thread":{"id":"t","environments":[ENV]},"cwd":"/a"}}"#, "/b /c /a"),
            (r#"{"id":1,"result":{"runtimeWorkspaceRoots":["/a","/b",7],"cwd":null,"thread":{"id":"t"}}}"#, "/a /b"),
            (r#"{"method":"thread/started","params":{"thread":{"id":"t","environments":[7,ENV]}}}"#, "/b /c"),
            (r#"{"params":{"threadId":"t","threadSettings":{"cwd":"/a","environments":[ENV]}}}"#, "/a /b /c"),
            (r#"{"params":{"threadId":"t","input":[{"cwd":"/no"}],"runtimeWorkspaceRoots":["/a"]}}"#, "/a"),
            (r#"{"params":{"threadId":"t","cwd":["/no"],"environments":null}}"#, ""),
        ] {
            let named = named(text.replace("ENV", environments).as_bytes()).unwrap();
            let found: alloc::vec::Vec<_> = named.directories.iter().map(crate::private::HostPath::expose).collect();
            assert_eq!(format!("{}: {}", named.thread_id, found.join(" ")), format!("t: {directories}"), "{text}");
        }
        assert_eq!(named(br#"{"params":{"cwd":"/a"}}"#), None);
    }
}
