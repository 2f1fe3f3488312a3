//! Calls of tools, and what their output says of how they ended. The output's text is looked at, and never kept.

use alloc::borrow::Cow;

use crate::id::Id;
use crate::json::read::{self, Failed, Read, Reader, Text};
use crate::protocol::enums::ItemStatus;

/// A call of a tool by the model.
#[derive(Read)]
pub(super) struct FunctionCall<'t> {
    pub(super) call_id: Option<Id>,
    pub(super) name: Option<Text<'t>>,
    pub(super) namespace: Option<Text<'t>>,
    #[serde(alias = "input")]
    pub(super) arguments: Option<Text<'t>>,
}

/// What a call of a tool gave back.
#[derive(Read)]
pub(super) struct FunctionOutput<'t> {
    pub(super) call_id: Option<Id>,
    #[serde(default)]
    pub(super) output: Output<'t>,
}

/// An output: a text, or pieces, of which the first may say how it went.
#[derive(Default)]
pub(super) struct Output<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) is_list: bool,
}

impl<'t> Read<'t> for Output<'t> {
    fn read(reader: &mut Reader<'t>) -> Result<Self, Failed> {
        #[derive(Read)]
        struct Content<'t> {
            content: Option<Text<'t>>,
        }
        #[derive(Read)]
        struct Piece<'t> {
            text: Option<Text<'t>>,
        }
        let of = |text: Option<Text<'t>>| text.map_or_else(Cow::default, |text| text.0);
        match reader.peek()? {
            b'"' => Ok(Self { text: reader.string()?, is_list: false }),
            // An older form has more around it.
            b'{' => Content::read(reader).map(|output| Self { text: of(output.content), is_list: false }),
            b'[' => {
                let mut first = None;
                reader.array(&mut |reader| {
                    if first.is_some() {
                        return reader.skip();
                    }
                    first = Some(of(Piece::read(reader)?.text));
                    Ok(())
                })?;
                Ok(Self { text: first.unwrap_or_default(), is_list: true })
            }
            _ => reader.skip().map(|()| Self::default()),
        }
    }
}

/// How a command ended, by its call's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ran.
    Exited(i32),
    /// It goes on, under this number.
    Running(Option<u64>),
    /// It was refused.
    Declined,
    /// It could not be started.
    Failed,
    /// It was no call of a tool that there is, or it was given up: nothing ran.
    Nothing,
}

impl Outcome {
    /// The item's status, and its exit code if it has one. `None` while it goes on, and if nothing ran.
    pub(super) fn ended(self) -> Option<(ItemStatus, Option<i32>)> {
        match self {
            Self::Exited(0) => Some((ItemStatus::Completed, Some(0))),
            Self::Exited(code) => Some((ItemStatus::Failed, Some(code))),
            Self::Declined => Some((ItemStatus::Declined, None)),
            Self::Failed => Some((ItemStatus::Failed, None)),
            Self::Running(_) | Self::Nothing => None,
        }
    }

    /// Reads what the output of a shell call says.
    pub(super) fn of(output: &str) -> Self {
        if output.starts_with('{')
            && let Some((text, code)) = structured(output)
        {
            return code.map_or_else(|| Self::of_text(&text), Self::Exited);
        }
        Self::of_text(output)
    }

    fn of_text(output: &str) -> Self {
        // The head ends where the command's own output begins.
        let head = output.split("\nOutput:\n").next().unwrap_or_default();
        let line = |name: &str| head.lines().take(8).find_map(|line| line.strip_prefix(name));
        if let Some(code) = line("Exit code: ").or_else(|| line("Process exited with code ")) {
            return code.trim().parse().map_or(Self::Nothing, Self::Exited);
        }
        if let Some(number) = line("Process running with session ID ") {
            return Self::Running(number.trim().parse().ok());
        }
        let is_refused = |text: &str| {
            text.starts_with("rejected by user")
                || text.starts_with("This action was rejected due to unacceptable risk")
                || text.starts_with("Automatic approval review failed")
        };
        if is_refused(output.strip_prefix("exec command ").or_else(|| output.strip_prefix("patch ")).unwrap_or(output))
        {
            return Self::Declined;
        }
        if output.starts_with("exec_command failed") {
            let reason = output.split_once("Rejected(").map(|(_, reason)| reason.trim_start_matches(['\\', '"']));
            return if reason.is_some_and(is_refused) { Self::Declined } else { Self::Failed };
        }
        if output.starts_with("execution error") || output.starts_with("failed in sandbox") {
            return Self::Failed;
        }
        Self::Nothing
    }
}

/// The text and the exit code of an output that is JSON itself.
fn structured(output: &str) -> Option<(alloc::borrow::Cow<'_, str>, Option<i32>)> {
    #[derive(Read)]
    struct Structured<'t> {
        output: Option<Text<'t>>,
        metadata: Option<Metadata>,
    }
    #[derive(Read)]
    struct Metadata {
        exit_code: Option<i32>,
    }
    let read: Structured<'_> = read::from_str(output).ok()?;
    let code = read.metadata.and_then(|metadata| metadata.exit_code);
    Some((read.output?.0, code))
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn outputs_of_every_age() {
        for (output, outcome) in [
            ("Exit code: 0\nWall time: 0 seconds\nOutput:\nhi\n", Outcome::Exited(0)),
            ("Exit code: 3\nWall time: 0 seconds\nOutput:\nExit code: 4", Outcome::Exited(3)),
            (r#"{"output":"hi","metadata":{"exit_code":7,"duration_seconds":0.1}}"#, Outcome::Exited(7)),
            ("Chunk ID: 1\nWall time: 0.1 seconds\nProcess exited with code 2\nOutput:\n", Outcome::Exited(2)),
            ("Chunk ID: 1\nProcess running with session ID 4711\nOutput:\n", Outcome::Running(Some(4711))),
            ("exec command rejected by user", Outcome::Declined),
            ("patch rejected by user", Outcome::Declined),
            ("This action was rejected due to unacceptable risk.\nReason: no", Outcome::Declined),
            (r#"exec_command failed: CreateProcess { message: "Rejected(\"rejected by user\")" }"#, Outcome::Declined),
            (
                r#"exec_command failed: CreateProcess { message: "Rejected(\"approval request failed\")" }"#,
                Outcome::Failed,
            ),
            ("execution error: Io(..)", Outcome::Failed),
            ("Wall time: 0.3 seconds\naborted by user", Outcome::Nothing),
            ("unsupported call: x", Outcome::Nothing),
            ("Wall time: 1 seconds\nOutput:\nExit code: 1", Outcome::Nothing),
            ("{\"a\":1}", Outcome::Nothing),
            ("", Outcome::Nothing),
        ] {
            assert_eq!(Outcome::of(output), outcome, "{output}");
        }
    }
}
