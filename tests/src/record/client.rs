//! A client of the real app-server, which keeps every message that passes.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::scenario::{Do, Scenario};

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a user thinks before an answer.
const THOUGHT: Duration = Duration::from_millis(50);
/// How long the server may take to end.
const END: Duration = Duration::from_secs(5);

/// When something was, in milliseconds since 1970.
pub(super) fn milliseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Lines of a recording.
#[derive(Clone, Debug, Default)]
struct Traffic(Arc<Mutex<Vec<String>>>);

impl Traffic {
    /// Keeps a message, which passes within `pass`: what the other side replies comes after it.
    fn keep<T>(&self, direction: &str, message: &str, pass: impl FnOnce() -> T) -> T {
        let at = milliseconds(SystemTime::now());
        let line =
            format!(r#"{{"at_ms":{at},"connection_id":1,"direction":"{direction}","message":{}}}"#, message.trim());
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
        pass()
    }
}

/// A client and its server.
#[derive(Debug)]
pub(super) struct Client {
    server: Child,
    /// `None` at the end.
    input: Option<ChildStdin>,
    traffic: Traffic,
    messages: Receiver<Value>,
    /// Messages that nobody has waited for yet.
    seen: VecDeque<Value>,
    answers: BTreeMap<&'static str, VecDeque<Value>>,
    /// What stands for what.
    kept: BTreeMap<String, Value>,
    next_id: u64,
}

impl Client {
    /// Starts the server, and is its client.
    pub(super) fn start(mut server: Command, scenario: &Scenario, kept: BTreeMap<String, Value>) -> io::Result<Self> {
        let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = server.stdin.take();
        let output = server.stdout.take().ok_or_else(|| io::Error::other("the server has no output"))?;
        let traffic = Traffic::default();
        let (sender, messages) = channel();
        let keeper = traffic.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let Ok(message) = serde_json::from_str(&line) else { continue };
                keeper.keep("server_to_client", &line, || ());
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let answers = scenario.answers.iter().map(|(method, answers)| (*method, answers.iter().cloned().collect()));
        let answers = answers.collect();
        let mut client = Self { server, input, traffic, messages, seen: VecDeque::new(), answers, kept, next_id: 0 };
        let (name, title) = scenario.client;
        let info = json!({ "name": name, "title": title, "version": "1.2.3" });
        client.ask("initialize", &json!({ "clientInfo": info, "capabilities": { "experimentalApi": true } }))?;
        client.send(&json!({ "method": "initialized" }))?;
        Ok(client)
    }

    /// Does a step. What does not come is not waited for for ever, and the session goes on.
    pub(super) fn step(&mut self, step: &Do) -> io::Result<()> {
        match step {
            Do::Pause(milliseconds) => {
                self.wait(Duration::from_millis(*milliseconds), |_| false)?;
            }
            Do::Until { method, says, seconds } => {
                let says = says.as_ref().map(|(path, value)| (path, fill(value, &self.kept)));
                if says.as_ref().is_some_and(|(_, value)| value.is_null()) {
                    return Ok(());
                }
                let is_it = |message: &Value| {
                    message["method"] == *method
                        && says.as_ref().is_none_or(|(path, value)| message["params"].pointer(path) == Some(value))
                };
                let known = self.seen.iter().position(is_it);
                if let Some(at) = known {
                    self.seen.remove(at);
                } else {
                    self.wait(Duration::from_secs(*seconds), is_it)?;
                }
            }
            Do::Ask { method, params, keep } => {
                let result = self.ask(method, &fill(params, &self.kept))?;
                if let Some((name, pick)) = keep {
                    self.kept.insert((*name).into(), result.as_ref().map_or(Value::Null, pick));
                }
            }
        }
        Ok(())
    }

    /// Asks; returns the result, if there is one.
    fn ask(&mut self, method: &str, params: &Value) -> io::Result<Option<Value>> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "method": method, "id": id, "params": params }))?;
        let answer = self.wait(ANSWER, |message| message.get("method").is_none() && message["id"] == id)?;
        Ok(answer.and_then(|mut answer| answer.get_mut("result").map(Value::take)))
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        let text = message.to_string();
        let Some(input) = &mut self.input else { return Ok(()) };
        self.traffic.keep("client_to_server", &text, || writeln!(input, "{text}").and_then(|()| input.flush()))
    }

    /// Waits for a message, and answers meanwhile; `None` if it does not come.
    fn wait(&mut self, patience: Duration, is_it: impl Fn(&Value) -> bool) -> io::Result<Option<Value>> {
        let until = Instant::now() + patience;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(message) = self.messages.recv_timeout(left) else { return Ok(None) };
            if let (Some(method), Some(id)) = (message["method"].as_str(), message.get("id"))
                && let Some(answer) = self.answers.get_mut(method).and_then(VecDeque::pop_front)
            {
                thread::sleep(THOUGHT);
                self.kept.insert("asked".into(), message["params"].clone());
                let mut answer = fill(&answer, &self.kept);
                answer["id"] = id.clone();
                self.send(&answer)?;
            }
            if is_it(&message) {
                return Ok(Some(message));
            }
            self.seen.push_back(message);
        }
    }

    /// Ends the session as a client does; returns what passed.
    pub(super) fn finish(mut self) -> io::Result<Vec<String>> {
        self.input = None;
        let until = Instant::now() + END;
        while self.server.try_wait()?.is_none() {
            if Instant::now() > until {
                self.server.kill()?;
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(std::mem::take(&mut *self.traffic.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It has ended, or nobody needs it any more.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A value with what its stand-ins stand for. One that is unknown stays.
fn fill(value: &Value, kept: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| fill(item, kept)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), fill(member, kept))).collect())
        }
        Value::String(text) if text.contains('$') => {
            if let Some(whole) = text.strip_prefix('$') {
                let at = whole.find('/').unwrap_or(whole.len());
                if let Some(found) = kept.get(&whole[..at]).and_then(|value| value.pointer(&whole[at..])) {
                    return found.clone();
                }
            }
            super::filled(text, kept).into()
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::fill;

    #[test]
    fn stand_ins_are_filled() {
        let kept: BTreeMap<String, Value> = [
            ("thread".to_owned(), json!("T")),
            ("asked".to_owned(), json!({ "permissions": { "network": true } })),
            ("hooks".to_owned(), json!({})),
        ]
        .into();
        let asked = json!({
            "a": "$thread", "b": ["$asked/permissions", "in $thread/x"], "c": "$unknown", "d": "$asked/none", "e": 1,
            "f": "$hooks",
        });
        let sent = json!({
            "a": "T", "b": [{ "network": true }, "in T/x"], "c": "$unknown", "d": "$asked/none", "e": 1, "f": {},
        });
        assert_eq!(fill(&asked, &kept), sent);
    }
}
