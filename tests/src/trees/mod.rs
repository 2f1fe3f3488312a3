//! Generated trees of sessions, as each era of Codex writes them to files, with what is true of them.
//!
//! Any list of words is a tree, and so is any shorter one. Threads start, are forked and resumed, spawn agents, whose files
//! may begin with a copy of their parent's history; turns use tokens, run commands, are compacted, steered and interrupted.

pub(crate) mod era;
mod files;

use serde_json::{Value, json};

pub use era::{ERAS, Era};
pub use files::{File, cut_at};

use crate::history::Choices;

/// Stands in every text that analytics must never see.
pub const MARKER: &str = crate::history::MARKER;

/// 2026-11-28, in milliseconds.
const START: u64 = 1_795_852_800_000;

/// Input, cached, output, reasoning and all tokens.
pub type Tokens = [i64; 5];

/// A turn that must have an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Its id, or, before there were ids, what stands for it.
    pub id: String,
    /// What it used; nothing is told of one that was interrupted.
    pub tokens: Option<Tokens>,
    /// The commands that ran in it.
    pub commands: u64,
}

/// A thread, with its file.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) id: String,
    pub(crate) lines: Vec<Line>,
    /// Whether the server itself started it.
    is_agent: bool,
    total: Tokens,
    last: Tokens,
    /// Whether it ever used tokens, or has its parent's.
    has_used: bool,
    turns: Vec<Turn>,
    began: usize,
}

/// A line that is written.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: u64,
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
}

/// Everything.
#[derive(Debug)]
struct World {
    era: &'static Era,
    now: u64,
    threads: Vec<Thread>,
    names: u64,
}

/// The files of the tree that the words describe.
pub fn tree(words: &[u64], era: &'static Era) -> Vec<File> {
    let mut world = World { era, now: START, threads: Vec::new(), names: 0 };
    world.open(&mut Choices::new(0), None, &json!({}));
    for word in words {
        world.step(*word);
    }
    world.threads.into_iter().map(|thread| files::file(era, thread)).collect()
}

impl World {
    fn step(&mut self, word: u64) {
        let mut choices = Choices::new(word);
        let choices = &mut choices;
        self.now += [400, 5000, 90_000, 3_600_000][choices.below(4)];
        let thread = choices.below(self.threads.len());
        let has_room = self.threads.len() < 6;
        match choices.below(8) {
            0 if has_room => self.open(choices, None, &json!({})),
            1 if has_room => self.fork(thread),
            2 => self.resume(thread, choices),
            3 if self.era.has_ids && !self.threads[thread].is_agent => self.compact_alone(thread),
            _ => self.turn(thread, has_room, choices),
        }
    }

    /// A UUID of version 7: its first digits are the time.
    fn id(&mut self) -> String {
        self.names += 1;
        let now = self.now;
        format!("{:08x}-{:04x}-7000-8000-{:012x}", now >> 16, now & 0xffff, self.names)
    }

    fn write(&mut self, thread: usize, kind: &'static str, payload: Value) {
        self.now += 3;
        self.threads[thread].lines.push(Line { at: self.now, kind, payload });
    }

    fn event(&mut self, thread: usize, payload: Value) {
        self.write(thread, "event_msg", payload);
    }

    fn item(&mut self, thread: usize, payload: Value) {
        self.write(thread, "response_item", payload);
    }

    /// A thread begins, perhaps with the history of another.
    fn open(&mut self, choices: &mut Choices, of: Option<(usize, bool)>, more: &Value) {
        let id = self.id();
        let mut meta = json!({ "id": id, "timestamp": era::time(self.now), "cwd": format!("/{MARKER}"),
            "originator": "codex_cli_rs", "cli_version": self.era.version, "source": "cli", "model_provider": "openai",
            "base_instructions": { "text": MARKER } });
        if let (Some(meta), Some(more)) = (meta.as_object_mut(), more.as_object()) {
            meta.extend(more.clone());
        }
        if self.era.is_paginated {
            meta["history_mode"] = json!("paginated");
        }
        let is_agent = more.get("source").is_some();
        let mut thread = Thread {
            id,
            lines: Vec::new(),
            is_agent,
            total: [0; 5],
            last: [0; 5],
            has_used: false,
            turns: Vec::new(),
            began: 0,
        };
        let parent = of.map(|(parent, _)| &self.threads[parent]);
        if let Some(parent) = parent {
            (thread.total, thread.last, thread.has_used) = (parent.total, parent.last, parent.has_used);
        }
        let copied = match of {
            Some((parent, true)) => self.threads[parent].lines.clone(),
            _ => Vec::new(),
        };
        // The parent's own session is copied, too, or not; where nothing else says that there is a copy, it is.
        let with_meta = !self.era.names_forks || self.era.is_paginated || choices.once_in(2);
        let with_old_times = !self.era.is_paginated && choices.once_in(2);
        self.threads.push(thread);
        let this = self.threads.len() - 1;
        self.write(this, "session_meta", meta);
        for line in copied.into_iter().skip(usize::from(!with_meta)) {
            let at = if with_old_times { line.at } else { self.now };
            self.threads[this].lines.push(Line { at, ..line });
        }
        if is_agent && self.era.is_paginated && of.is_some() {
            let first = self.threads[this].lines.len();
            self.threads[this].lines[0].payload["subagent_history_start_ordinal"] = json!(first);
        }
        self.now += 300;
    }

    /// A client forks a thread: by a copy, or, later, by naming it.
    fn fork(&mut self, of: usize) {
        let parent = &self.threads[of];
        let mut more = json!({});
        if self.era.names_forks {
            more["forked_from_id"] = json!(parent.id);
        }
        if self.era.is_paginated {
            let lines = parent.lines.len();
            more["history_base"] =
                json!({ "thread_id": parent.id, "end_ordinal_exclusive": lines, "end_byte_offset": lines * 100 });
        }
        let word = self.now;
        self.open(&mut Choices::new(word), Some((of, !self.era.is_paginated)), &more);
    }

    /// An agent of the thread begins, with its parent's history or without.
    fn spawn(&mut self, of: usize, choices: &mut Choices) {
        let parent = self.threads[of].id.clone();
        let mut more =
            json!({ "source": { "subagent": { "thread_spawn": { "parent_thread_id": parent, "depth": 1 } } } });
        if choices.once_in(2) {
            return self.open(choices, None, &more);
        }
        if self.era.names_forks {
            more["forked_from_id"] = json!(parent);
        }
        self.open(choices, Some((of, true)), &more);
    }

    /// A session goes on in its file, some time later; the file may say again whose it is.
    fn resume(&mut self, thread: usize, choices: &mut Choices) {
        // A clock may have gone back a little.
        self.now = if choices.once_in(6) { self.now - 100 } else { self.now + 86_400_000 };
        if choices.once_in(2) {
            let meta = self.threads[thread].lines[0].payload.clone();
            self.write(thread, "session_meta", meta);
        }
        self.now += 200;
    }

    /// What the session has used so far.
    fn count(&mut self, thread: usize) {
        let state = &self.threads[thread];
        let usage = |[input, cached, output, reasoning, total]: Tokens| {
            json!({ "input_tokens": input, "cached_input_tokens": cached, "output_tokens": output,
                "reasoning_output_tokens": reasoning, "total_tokens": total })
        };
        let info = if state.has_used {
            json!({ "total_token_usage": usage(state.total), "last_token_usage": usage(state.last),
                "model_context_window": 272_000 })
        } else {
            Value::Null
        };
        self.event(thread, json!({ "type": "token_count", "info": info, "rate_limits": null }));
    }

    fn begin(&mut self, thread: usize) -> String {
        let id = self.id();
        if self.era.has_ids {
            let started = json!({ "type": "task_started", "turn_id": id, "started_at": self.now / 1000,
                "model_context_window": 272_000 });
            self.event(thread, started);
        }
        id
    }

    fn end(&mut self, thread: usize, id: &str, is_interrupted: bool) {
        let mut ended = match (is_interrupted, self.era.has_ids) {
            (true, _) => json!({ "type": "turn_aborted", "reason": "interrupted" }),
            (false, true) => json!({ "type": "task_complete", "last_agent_message": MARKER }),
            (false, false) => return,
        };
        if self.era.has_ids {
            ended["turn_id"] = json!(id);
        }
        self.event(thread, ended);
    }

    fn say(&mut self, thread: usize, id: &str) {
        let message =
            json!({ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": MARKER }] });
        self.item(thread, message);
        if self.era.is_paginated {
            let item = json!({ "type": "UserMessage", "id": self.names.to_string(), "content": [{ "type": "text", "text": MARKER }] });
            self.item_ended(thread, id, &item);
        } else {
            self.event(thread, json!({ "type": "user_message", "message": MARKER, "images": [] }));
        }
    }

    fn item_ended(&mut self, thread: usize, id: &str, item: &Value) {
        let payload = json!({ "type": "item_completed", "thread_id": self.threads[thread].id, "turn_id": id,
            "started_at_ms": self.now, "completed_at_ms": self.now + 1, "item": item });
        self.event(thread, payload);
    }

    /// The model answers: it runs a command, or says something.
    fn ask_model(&mut self, thread: usize, id: &str, runs: bool, used: Tokens) {
        let call = self.id();
        if runs {
            let arguments = json!({ "command": ["bash", "-lc", MARKER], "cmd": MARKER }).to_string();
            let name = if self.era.is_paginated { "exec_command" } else { "shell" };
            self.item(
                thread,
                json!({ "type": "function_call", "name": name, "arguments": arguments, "call_id": call }),
            );
        } else if self.era.is_paginated {
            let item = json!({ "type": "AgentMessage", "id": call, "content": [{ "type": "Text", "text": MARKER }] });
            self.item_ended(thread, id, &item);
        } else {
            self.event(thread, json!({ "type": "agent_message", "message": MARKER }));
        }
        let state = &mut self.threads[thread];
        state.last = used;
        state.has_used = true;
        for (total, used) in state.total.iter_mut().zip(used) {
            *total += used;
        }
        if self.era.has_records {
            let [input, cached, output, reasoning, total] = used;
            let usage = json!({ "input_tokens": input, "cached_input_tokens": cached, "output_tokens": output,
                "reasoning_output_tokens": reasoning, "total_tokens": total });
            self.write(
                thread,
                "token_usage_record",
                json!({ "response_id": format!("response-{call}"), "usage": usage }),
            );
        }
        if runs {
            if self.era.is_paginated {
                let item = json!({ "type": "CommandExecution", "id": call, "command": MARKER, "cwd": format!("/{MARKER}"),
                    "process_id": null, "source": "unified_exec_startup", "status": "completed", "command_actions": [],
                    "aggregated_output": MARKER, "exit_code": 0, "duration_ms": 4 });
                self.item_ended(thread, id, &item);
            }
            let output = if self.era.is_paginated {
                format!("Process exited with code 0\n{MARKER}")
            } else {
                format!("Exit code: 0\n{MARKER}")
            };
            self.item(thread, json!({ "type": "function_call_output", "call_id": call, "output": output }));
        }
        self.count(thread);
    }

    fn compact(&mut self, thread: usize, id: &str) {
        self.write(thread, "compacted", json!({ "message": MARKER, "replacement_history": [] }));
        if self.era.is_paginated {
            let item = json!({ "type": "ContextCompaction", "id": self.names.to_string() });
            self.item_ended(thread, id, &item);
        } else if self.era.tells_compactions {
            self.event(thread, json!({ "type": "context_compacted" }));
        }
        // The context is smaller; what was used is not.
        self.threads[thread].last = [0, 0, 0, 0, 90];
        self.count(thread);
    }

    /// A turn that is nothing but a compaction.
    fn compact_alone(&mut self, thread: usize) {
        let id = self.begin(thread);
        self.compact(thread, &id);
        self.end(thread, &id, false);
        self.now += 200;
    }

    fn turn(&mut self, thread: usize, may_spawn: bool, choices: &mut Choices) {
        let id = self.begin(thread);
        let mut context = json!({ "cwd": format!("/{MARKER}"), "model": "gpt-5", "approval_policy": "never",
            "sandbox_policy": { "type": "read-only" }, "summary": "auto" });
        if self.era.has_ids {
            context["turn_id"] = json!(id);
        }
        // What the account may still do is told with what was used, which repeats.
        if choices.once_in(4) {
            self.count(thread);
        }
        if choices.once_in(5) {
            self.compact(thread, &id);
        }
        // Older files have the message first.
        if self.era.is_paginated {
            self.write(thread, "turn_context", context.clone());
            self.now += 60;
            self.say(thread, &id);
        } else {
            self.say(thread, &id);
            self.now += 60;
            self.write(thread, "turn_context", context.clone());
        }
        let (mut used, mut commands) = ([0; 5], 0);
        for request in 0..=choices.below(3) {
            if choices.once_in(4) {
                self.count(thread);
            }
            let runs = choices.once_in(2);
            let [input, output] = [choices.of(&[1, 700, 90_000]), choices.of(&[1, 40])];
            let of_request = [input, input / 2, output, output / 2, input + output];
            self.ask_model(thread, &id, runs, of_request);
            used.iter_mut().zip(of_request).for_each(|(sum, part)| *sum += part);
            commands += u64::from(runs);
            if choices.once_in(6) {
                self.count(thread);
            }
            match choices.below(12) {
                0 if request == 0 && may_spawn => self.spawn(thread, choices),
                1 => self.compact(thread, &id),
                2 if self.era.has_ids => self.say(thread, &id),
                3 => self.write(thread, "turn_context", context.clone()),
                _ => {}
            }
        }
        let (is_interrupted, is_cut) = (choices.once_in(6), choices.once_in(16));
        if !is_cut {
            self.end(thread, &id, is_interrupted);
        }
        self.now += 500;
        let state = &mut self.threads[thread];
        state.began += 1;
        // Without ids, a turn ends where the next begins.
        let has_ended = !is_cut || !self.era.has_ids;
        if has_ended && (!state.is_agent || self.era.reports_agents) {
            let id = if self.era.has_ids { id } else { format!("{}:{}", state.id, state.began) };
            let is_interrupted = is_interrupted && !is_cut;
            state.turns.push(Turn { id, tokens: (!is_interrupted).then_some(used), commands });
        }
    }
}
