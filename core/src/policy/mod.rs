//! What leaves the machine: which events, which of their members, and in which form.
//!
//! A host applies a policy to each event before the event waits to be sent, so that what waits is what leaves. Where a
//! policy cannot judge an event, the event stays.

mod pattern;
mod repositories;
mod rewrite;
#[cfg(test)]
mod tests;

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use self::pattern::Pattern;
pub use self::repositories::{Judgement, Repositories};
pub use self::rewrite::{Change, Withheld};
use crate::digest::{Digest, Scheme};
use crate::event::EVENT_TYPES;
use crate::json::read::{Failed, ReadError, Reader};

/// What leaves, by the rules of an organisation or a user.
///
/// Its text is a JSON object. Each member is optional, and an unknown one is an error:
///
/// | member | what leaves |
/// |---|---|
/// | `allow_events`, `drop_events` | events of these types, and no others; all but these |
/// | `allow_clients`, `drop_clients` | events of these clients (`product_client_id`); all but these. An event that names no client stays |
/// | `allow_repositories`, `drop_repositories` | events of threads that work in repositories whose remote is one of these, as `host/path`; all but these: see [`Repositories`] |
/// | `allow_members`, `drop_members` | these members; all but these |
/// | `hash_members` | these members as hashes, by the host's digest, which must have a key. What is no text is left out |
/// | `coarsen_times` | with `"hour"`, times (`…_at`, `…_at_ms`) as the hour they are in. Ids of threads, turns, items and the like may hold a time, and are hashed |
///
/// Each list has names, in which `*` stands for any characters. A member is named by the end of its path: `model` in every
/// event, `codex_turn_event.model` in one, `app_server_client.client_name` in that object. What holds for an object holds
/// for all in it. What is both allowed and dropped is dropped. A member that is dropped is left out; it is not null.
///
/// ```
/// # #[cfg(feature = "sha2")] {
/// use turnledger_core::Policy;
/// use turnledger_core::digest::Sha2;
///
/// let rules = r#"{"drop_events":["codex_hook_run"],"drop_members":["subagent_source"],"hash_members":["thread_id"]}"#;
/// let policy = Policy::new(rules, Sha2::keyed(b"a key of 16 bytes or more")?)?;
/// let event = r#"{"event_type":"codex_turn_event","event_params":{"thread_id":"t","subagent_source":null,"steer_count":0}}"#;
/// let leaves = policy.apply(event).expect("no rule is against it");
/// let (before, behind) = (r#"{"event_type":"codex_turn_event","event_params":{"thread_id":""#, r#"","steer_count":0}}"#);
/// assert!(leaves.starts_with(before) && leaves.ends_with(behind));
/// assert_eq!(leaves.len(), before.len() + 64 + behind.len());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy<D> {
    rules: Rules,
    digest: D,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    events: Rule,
    clients: Rule,
    repositories: Rule,
    members: Rule,
    hashed: Vec<Pattern>,
    coarsens_times: bool,
}

/// What is allowed, if not everything is, and what is dropped of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rule {
    allowed: Option<Vec<Pattern>>,
    dropped: Vec<Pattern>,
}

/// What a rule can be about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum About<'n> {
    /// An event's type.
    Event(&'n str),
    /// A client, by its `product_client_id`.
    Client(&'n str),
    /// A repository, by the canonical form of its remote: `host/path`.
    Remote(&'n str),
}

/// The rule that keeps something back. Its text is for a person on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deciding<'p> {
    /// The rule's name, such as `drop_events`.
    pub rule: &'static str,
    /// The name in the rule that fits; none if the rule allows, and no name in it does.
    pub name: Option<&'p str>,
}

impl fmt::Display for Deciding<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(formatter, "`{}` has `{name}`", self.rule),
            None => write!(formatter, "`{}` does not have it", self.rule),
        }
    }
}

impl Rule {
    const fn is_set(&self) -> bool {
        self.allowed.is_some() || !self.dropped.is_empty()
    }

    fn allows(&self, fits: impl Fn(&Pattern) -> bool) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(&fits)) && !self.dropped.iter().any(&fits)
    }
}

/// Why a policy cannot be used. Nothing may leave then.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The text is no JSON object, or a member is not of its form.
    Unreadable(ReadError),
    /// A rule of this name is not known.
    UnknownRule(String),
    /// A rule stands twice.
    Repeated(String),
    /// A rule has an empty name.
    EmptyName(String),
    /// A rule about events has a name that no event's type fits, so that it would do nothing.
    UnknownEvent(String),
    /// A rule about members names `event_params`. The members in it are those of the event.
    Params(String),
    /// A rule about repositories names a remote that is not as `host/path`, so that it would do nothing.
    Remote(String),
    /// Times can be made as coarse as an hour, and no other.
    Coarseness,
    /// Something is to be hashed, and the digest has no key: a hash of a name could be guessed.
    NoKey,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => error.fmt(formatter),
            Self::UnknownRule(name) => write!(formatter, "unknown rule `{name}`; known are {}", NAMES.join(", ")),
            Self::Repeated(name) => write!(formatter, "`{name}` stands twice"),
            Self::EmptyName(name) => write!(formatter, "`{name}` has an empty name"),
            Self::UnknownEvent(name) => write!(formatter, "`{name}` has a name that is no event's type"),
            Self::Params(name) => {
                write!(formatter, "`{name}`: leave out `event_params`: its members are named as the event's")
            }
            Self::Remote(name) => {
                write!(
                    formatter,
                    "`{name}`: a remote is named as `github.com/owner/name`: no `https://`, no `.git`, no host for SSH alone"
                )
            }
            Self::Coarseness => formatter.write_str("`coarsen_times`: expected \"hour\""),
            Self::NoKey => {
                formatter.write_str("`hash_members` and `coarsen_times` need a key: without one, a hash can be guessed")
            }
        }
    }
}

impl core::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable(error) => Some(error),
            _ => None,
        }
    }
}

/// The rules, by the names that they have in a policy's text.
const NAMES: [&str; 10] = [
    "allow_events",
    "drop_events",
    "allow_clients",
    "drop_clients",
    "allow_repositories",
    "drop_repositories",
    "allow_members",
    "drop_members",
    "hash_members",
    "coarsen_times",
];

impl<D: Digest> Policy<D> {
    /// A policy of this JSON text, with what makes its hashes.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] if a rule cannot be read or kept to. The host must then send nothing.
    pub fn new(text: &str, digest: D) -> Result<Self, PolicyError> {
        let rules = Rules::read(text)?;
        rules.check()?;
        let needs_key = rules.coarsens_times || !rules.hashed.is_empty();
        if needs_key && [Scheme::SHA256, Scheme::SHA1].contains(&digest.scheme().as_str()) {
            return Err(PolicyError::NoKey);
        }
        Ok(Self { rules, digest })
    }

    /// What leaves of an event's JSON text. Nobody says of which repository it is.
    ///
    /// # Errors
    ///
    /// [`Withheld`] says why nothing does.
    pub fn apply(&self, event: &str) -> Result<String, Withheld> {
        if self.rules.repositories.is_set() {
            return Err(Withheld::UnknownRepository);
        }
        self.apply_to_allowed(event)
    }

    /// What leaves of an event's JSON text, if its repository is allowed: see [`Repositories`].
    ///
    /// # Errors
    ///
    /// [`Withheld`] says why nothing does.
    pub fn apply_to_allowed(&self, event: &str) -> Result<String, Withheld> {
        self.explain(event, &mut |_, _| {})
    }

    /// What judges events by their repository; `None` without a rule about repositories.
    pub fn repositories<T>(&self) -> Option<Repositories<T>> {
        self.rules.repositories.is_set().then(|| Repositories::new(&self.rules.repositories))
    }

    /// Which rule keeps this back; none if none does.
    pub fn deciding(&self, about: About<'_>) -> Option<Deciding<'_>> {
        let (rule, [allow, drop]) = match about {
            About::Event(_) => (&self.rules.events, ["allow_events", "drop_events"]),
            About::Client(_) => (&self.rules.clients, ["allow_clients", "drop_clients"]),
            About::Remote(_) => (&self.rules.repositories, ["allow_repositories", "drop_repositories"]),
        };
        let fits = |pattern: &&Pattern| match about {
            About::Event(name) | About::Client(name) => pattern.fits(name),
            About::Remote(remote) => pattern.fits_remote(remote),
        };
        let dropped = rule.dropped.iter().find(fits);
        let is_allowed = rule.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(|pattern| fits(&pattern)));
        match dropped {
            Some(pattern) => Some(Deciding { rule: drop, name: Some(pattern.as_str()) }),
            None => (!is_allowed).then_some(Deciding { rule: allow, name: None }),
        }
    }

    /// What leaves of an event's JSON text, if its repository is allowed. `changed` is told what happens to which member, named by its path.
    ///
    /// # Errors
    ///
    /// [`Withheld`] says why nothing leaves.
    pub fn explain(&self, event: &str, changed: &mut dyn FnMut(&str, Change)) -> Result<String, Withheld> {
        rewrite::rewrite(&self.rules, &self.digest, event, changed)
    }
}

impl Rules {
    fn read(text: &str) -> Result<Self, PolicyError> {
        let mut rules = Self::default();
        let mut seen = Vec::new();
        let mut problem = None;
        let mut reader = Reader::new(text);
        let read = reader.members(&mut |reader, name| {
            rules.rule(reader, &name, &mut problem)?;
            if seen.contains(&name) {
                problem = Some(PolicyError::Repeated(name.into_owned()));
                return Err(Failed);
            }
            seen.push(name);
            Ok(())
        });
        match (read.and_then(|()| reader.end()), problem) {
            (_, Some(problem)) => Err(problem),
            (Err(Failed), None) => Err(PolicyError::Unreadable(reader.error())),
            (Ok(()), None) => Ok(rules),
        }
    }

    /// Refuses what would do nothing.
    fn check(&self) -> Result<(), PolicyError> {
        let is_of_events = |pattern: &Pattern| EVENT_TYPES.iter().any(|name| pattern.fits(name));
        let is_of_members = |pattern: &Pattern| !pattern.has_part("event_params");
        let Self { events, members, hashed, .. } = self;
        for (name, patterns) in [("allow_events", events.allowed.as_ref()), ("drop_events", Some(&events.dropped))] {
            if !patterns.into_iter().flatten().all(is_of_events) {
                return Err(PolicyError::UnknownEvent(name.into()));
            }
        }
        let remotes = &self.repositories;
        for (name, patterns) in
            [("allow_repositories", remotes.allowed.as_ref()), ("drop_repositories", Some(&remotes.dropped))]
        {
            if !patterns.into_iter().flatten().all(Pattern::may_be_remote) {
                return Err(PolicyError::Remote(name.into()));
            }
        }
        let lists = [
            ("allow_members", members.allowed.as_ref()),
            ("drop_members", Some(&members.dropped)),
            ("hash_members", Some(hashed)),
        ];
        for (name, patterns) in lists {
            if !patterns.into_iter().flatten().all(is_of_members) {
                return Err(PolicyError::Params(name.into()));
            }
        }
        Ok(())
    }

    fn rule(&mut self, reader: &mut Reader<'_>, name: &str, problem: &mut Option<PolicyError>) -> Result<(), Failed> {
        let patterns = match name {
            "allow_events" => self.events.allowed.insert(Vec::new()),
            "drop_events" => &mut self.events.dropped,
            "allow_clients" => self.clients.allowed.insert(Vec::new()),
            "drop_clients" => &mut self.clients.dropped,
            "allow_repositories" => self.repositories.allowed.insert(Vec::new()),
            "drop_repositories" => &mut self.repositories.dropped,
            "allow_members" => self.members.allowed.insert(Vec::new()),
            "drop_members" => &mut self.members.dropped,
            "hash_members" => &mut self.hashed,
            "coarsen_times" => {
                if reader.string()? != "hour" {
                    *problem = Some(PolicyError::Coarseness);
                    return Err(Failed);
                }
                self.coarsens_times = true;
                return Ok(());
            }
            _ => {
                *problem = Some(PolicyError::UnknownRule(name.to_owned()));
                return Err(Failed);
            }
        };
        reader.array(&mut |reader| {
            let Some(pattern) = Pattern::new(reader.string().map(Cow::into_owned)?) else {
                *problem = Some(PolicyError::EmptyName(name.to_owned()));
                return Err(Failed);
            };
            patterns.push(pattern);
            Ok(())
        })
    }
}
