//! One session, a part at a time, for a host that finds sessions and keeps events itself. A session of any length takes
//! little memory.

use std::io::{self, BufRead, Read};

use turnledger_core::UnixMillis;

use crate::import::{self, Reading};
use crate::kind::Kind;
use crate::recording::unpack;
use crate::replay::{self, Format, Report, Unreadable};

/// About how many bytes of events a part has.
const PART_BYTES: usize = 1 << 20;
/// The most lines that a part is made of, so that a host can stop in between.
const PART_LINES: usize = 1 << 14;

/// How sessions are read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Of recordings. What is written is events, whatever the format says, and `strict` ends a session at its first bad
    /// line.
    pub replay: replay::Options,
    /// Of rollouts.
    pub import: import::Options,
}

impl Options {
    /// How recordings are read, and how rollouts are.
    pub const fn new(replay: replay::Options, import: import::Options) -> Self {
        Self { replay, import }
    }
}

/// A session that is being read.
pub struct Session {
    name: String,
    options: import::Options,
    inner: Option<Inner>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("name", &self.name).finish_non_exhaustive()
    }
}

enum Inner {
    Recording(Box<replay::Session>),
    Rollout(Box<Reading>),
}

/// What came out of a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Events, one behind the other, each with a line end.
    pub lines: Vec<u8>,
    /// Of each event: when what it came of was seen, and where its line ends in `lines`.
    pub places: Vec<(UnixMillis, usize)>,
    /// What was wrong with lines, as the program says it: where, and why.
    pub notes: Vec<String>,
}

impl Part {
    /// Adds an event.
    pub fn add(&mut self, at: UnixMillis, event: &[u8]) {
        self.lines.extend_from_slice(event);
        self.lines.push(b'\n');
        self.places.push((at, self.lines.len()));
    }

    /// Each event with its time.
    pub fn events(&self) -> impl Iterator<Item = (UnixMillis, &[u8])> {
        let mut from = 0;
        self.places.iter().map(move |(at, end)| {
            let event = &self.lines[from..end - 1];
            from = *end;
            (*at, event)
        })
    }

    /// Brings the events in the order of time, those of one time in the order in which they came: as
    /// [`import`](fn@crate::import::import) writes a rollout's.
    pub fn sort(&mut self) {
        let mut events: Vec<_> = self.events().collect();
        if events.is_sorted_by_key(|(at, _)| *at) {
            return;
        }
        events.sort_by_key(|(at, _)| *at);
        let mut sorted = Self::default();
        for (at, event) in events {
            sorted.add(at, event);
        }
        (self.lines, self.places) = (sorted.lines, sorted.places);
    }

    /// Adds another part behind this one.
    pub fn append(&mut self, other: &Self) {
        let before = self.lines.len();
        self.lines.extend_from_slice(&other.lines);
        self.places.extend(other.places.iter().map(|(at, end)| (*at, before + end)));
        self.notes.extend_from_slice(&other.notes);
    }
}

impl Session {
    /// A session of the kind that its content says, packed or not. `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if its first bytes cannot be read, or are neither a recording's nor a rollout's.
    pub fn open(name: &str, stored: impl Read + Send + 'static, options: Options) -> Result<Self, Unreadable> {
        let unreadable = |error| Unreadable::new(name, error);
        let mut reader = unpack(stored).map_err(unreadable)?;
        match Kind::of_text(reader.fill_buf().map_err(unreadable)?) {
            Kind::Recording | Kind::Empty => Ok(Self::recording(name, reader, options)),
            Kind::Rollout => Ok(Self::rollout(name, reader, options)),
            kind => Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, format!("it is {kind}")))),
        }
    }

    /// A recording.
    pub fn recording(name: &str, reader: Box<dyn BufRead + Send>, options: Options) -> Self {
        let Options { replay, import } = options;
        let session = replay::Session::new(name.into(), reader, 0, replay.format(Format::Placed));
        Self { name: name.into(), options: import, inner: Some(Inner::Recording(Box::new(session))) }
    }

    /// A rollout.
    pub fn rollout(name: &str, reader: Box<dyn BufRead + Send>, Options { import, .. }: Options) -> Self {
        let reading = Reading::of(name.into(), reader, &import);
        Self { name: name.into(), options: import, inner: Some(Inner::Rollout(Box::new(reading))) }
    }

    /// Reads on; `None` at the end. If it cannot be read further, the last part's last note says so.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] if what was read cannot be kept meanwhile.
    pub fn part(&mut self) -> Result<Option<Part>, Unreadable> {
        let Some(mut inner) = self.inner.take() else { return Ok(None) };
        let mut part = Part::default();
        let unreadable = |error| Unreadable::new(&self.name, error);
        for _ in 0..PART_LINES {
            let goes_on = match &mut inner {
                Inner::Recording(session) => {
                    let goes_on = session.step();
                    for report in session.reports.drain(..) {
                        part.take(report);
                    }
                    goes_on.unwrap_or_else(|unreadable| {
                        part.notes.push(unreadable.to_string());
                        false
                    })
                }
                Inner::Rollout(reading) => {
                    let goes_on = reading.step(&self.options).map_err(unreadable)?;
                    if !goes_on {
                        reading.end(false, &self.options).map_err(unreadable)?;
                    }
                    let mut imported = reading.take();
                    let add = |at, event: &[u8]| {
                        part.add(at, event);
                        Ok(())
                    };
                    imported.events.drain(add).map_err(unreadable)?;
                    part.notes.append(&mut imported.notes);
                    goes_on
                }
            };
            if !goes_on {
                return Ok(Some(part));
            }
            if part.lines.len() >= PART_BYTES {
                break;
            }
        }
        self.inner = Some(inner);
        Ok(Some(part))
    }
}

impl Part {
    /// Takes what a recording told: lines with their places, as [`Format::Placed`] writes them, and notes.
    fn take(&mut self, report: Report) {
        match report {
            Report::Lines(lines) => {
                for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    let mut parts = line.splitn(3, |byte| *byte == b'\t').skip(1);
                    let at = parts.next().and_then(|at| std::str::from_utf8(at).ok()?.parse().ok());
                    if let (Some(at), Some(event)) = (at, parts.next()) {
                        self.add(UnixMillis(at), event);
                    }
                }
            }
            Report::Note(note) => self.notes.push(note),
        }
    }
}

#[cfg(test)]
mod tests {
    use turnledger_core::UnixMillis;

    use super::{Options, Part, Session};

    const RECORDING: &str = concat!(
        r#"{"at_ms":5,"connection_id":1,"direction":"client_to_server","message":{"id":0,"method":"initialize","params":{"clientInfo":{"name":"editor","version":"1"}}}}"#,
        "\nnot JSON\n",
        r#"{"at_ms":6,"connection_id":1,"direction":"server_to_client","message":{"id":0,"result":{"userAgent":"editor/0.131.0 (Linux 6.1; x86_64)"}}}"#,
        "\n",
        r#"{"at_ms":7,"connection_id":1,"direction":"client_to_server","message":{"id":1,"method":"thread/start","params":{}}}"#,
        "\n",
        r#"{"at_ms":8,"connection_id":1,"direction":"server_to_client","message":{"id":1,"result":{"thread":{"id":"thread-1"},"model":"gpt-5"}}}"#,
        "\n",
    );
    const ROLLOUT: &str = concat!(
        r#"{"timestamp":"2026-11-28T08:00:00.000Z","type":"session_meta","payload":{"id":"thread-1","cli_version":"0.131.0"}}"#,
        "\n[]\n",
        r#"{"timestamp":"2026-11-28T08:00:01.000Z","type":"turn_context","payload":{"turn_id":"turn-1","model":"gpt-5"}}"#,
    );

    fn read(text: &'static str) -> Part {
        let mut session = Session::open("a", text.as_bytes(), Options::default()).expect("a session");
        let mut all = Part::default();
        while let Some(part) = session.part().expect("a part") {
            all.append(&part);
        }
        all
    }

    #[test]
    fn recordings_and_rollouts_by_their_content() {
        for (text, at, note) in [
            (RECORDING, 8, "a:2: not JSON (column 2)"),
            (ROLLOUT, 1_795_852_801_000, "a:2: a member that events need is missing or has the wrong type (column 1)"),
        ] {
            let part = read(text);
            assert_eq!(part.notes, [note]);
            let events: Vec<_> = part.events().collect();
            assert_eq!(events.len(), 1);
            assert_eq!(events[0].0, UnixMillis(at));
            assert!(events[0].1.starts_with(br#"{"event_type":"codex_thread_initialized","event_params":{"#));
        }
        assert_eq!(read("\n"), Part::default());
    }

    #[test]
    fn what_is_neither_says_what_it_is() {
        let error = Session::open("a", &br#"{"event_type":1}"#[..], Options::default()).expect_err("events");
        assert_eq!((error.to_string(), error.error.to_string()), ("cannot read a".into(), "it is events".into()));
    }

    #[test]
    fn sorted_by_time() {
        let mut part = Part::default();
        for (at, event) in [(3, "c"), (1, "a"), (3, "d"), (2, "b")] {
            part.add(UnixMillis(at), event.as_bytes());
        }
        part.sort();
        let events: Vec<_> = part.events().map(|(at, event)| (at.0, String::from_utf8_lossy(event))).collect();
        assert_eq!(events, [(1, "a".into()), (2, "b".into()), (3, "c".into()), (3, "d".into())]);
    }
}
