//! Where a setting comes from: a flag, the environment, the file, or the default.

use std::collections::BTreeSet;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use turnledger_core::schemas;

use super::{Flags, NAMES, Setting, xdg_folder};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Set nowhere.
    Default,
    /// A line of the file.
    File { path: PathBuf, line: usize },
    /// A variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Environment(name) | Self::Flag(name) => formatter.write_str(name),
        }
    }
}

impl Origin {
    /// The place with the setting's name, if that is not in it.
    fn of(&self, name: &str) -> String {
        if let Self::File { .. } = self { format!("{self}: {name}") } else { self.to_string() }
    }
}

/// A setting that cannot be used. The message does not repeat the value, which may be a secret by mistake.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("cannot read {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}:{line}: {problem}", path.display())]
    Syntax { path: PathBuf, line: usize, problem: String },
    #[error("{}: {problem}", origin.of(name))]
    Value { origin: Origin, name: &'static str, problem: &'static str },
}

impl Unusable {
    /// Whether it was on the command line: its author then sees the message.
    pub(crate) fn is_flag(&self) -> bool {
        matches!(self, Self::Value { origin: Origin::Flag(_), .. })
    }
}

/// What is set in each place.
pub(super) struct Layers<'f> {
    flags: Vec<(&'static str, &'f OsStr)>,
    file: Option<PathBuf>,
    /// What the file says; `None` if there is no file.
    in_file: Option<InFile>,
}

/// What a settings file says.
#[derive(Debug, Default, PartialEq)]
struct InFile {
    settings: Vec<Line>,
    policy: Option<PolicyTable>,
}

/// The table `[policy]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PolicyTable {
    /// As the core reads it.
    pub(super) json: String,
    line: usize,
    /// The line of each rule.
    rules: Vec<(String, usize)>,
}

impl PolicyTable {
    /// A rule about members, and a name in it without `*` that no event's member has: it is misspelt.
    pub(super) fn unknown_member(&self) -> Option<(&str, String)> {
        let rules: serde_json::Value = serde_json::from_str(&self.json).ok()?;
        let mut known = BTreeSet::new();
        member_names(&serde_json::to_value(schemas::of_events()).ok()?, &mut known);
        self.rules.iter().filter(|(rule, _)| rule.ends_with("_members")).find_map(|(rule, _)| {
            let mut names = rules[rule].as_array()?.iter().filter_map(|name| name.as_str()?.rsplit('.').next());
            let unknown = names.find(|name| !name.contains('*') && !known.contains(*name));
            unknown.map(|name| (rule.as_str(), name.to_owned()))
        })
    }

    /// The rules as they stand in the file: each rule's name, its value as TOML has it, and its line.
    pub(super) fn rules(&self) -> Vec<(String, String, usize)> {
        let rules: serde_json::Value = serde_json::from_str(&self.json).unwrap_or_default();
        self.rules.iter().map(|(name, line)| (name.clone(), rules[name].to_string(), *line)).collect()
    }

    /// Where a rule stands; of an unknown one, where the table begins.
    pub(super) fn line_of(&self, rule: Option<&str>) -> usize {
        let named = self.rules.iter().find(|(name, _)| Some(name.as_str()) == rule);
        named.map_or(self.line, |(_, line)| *line)
    }
}

/// A setting in a file: its name, its value, and the line.
type Line = (&'static str, String, usize);

impl<'f> Layers<'f> {
    /// Reads the file. The default file may be missing, a named one may not.
    pub(super) fn read(config: Option<&Path>, flags: &[&'f dyn Flags]) -> Result<Self, Unusable> {
        let given = flags.iter().flat_map(|flags| flags.given());
        let flags = given.filter_map(|(name, value)| Some((name, value?))).collect();
        let named = config.map(Path::to_owned).or_else(|| variable("TURNLEDGER_CONFIG").map(PathBuf::from));
        let is_named = named.is_some();
        let default = || Some(xdg_folder("XDG_CONFIG_HOME", ".config")?.join("turnledger.toml"));
        let Some(file) = named.or_else(default) else { return Ok(Self { flags, file: None, in_file: None }) };
        let in_file = match fs::read_to_string(&file) {
            Ok(text) => {
                Some(parse(&text).map_err(|(line, problem)| Unusable::Syntax { path: file.clone(), line, problem })?)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_named => None,
            Err(source) => return Err(Unusable::File { path: file, source }),
        };
        Ok(Self { flags, file: Some(file), in_file })
    }

    pub(super) fn is_file_there(&self) -> bool {
        self.in_file.is_some()
    }

    pub(super) fn policy(&self) -> Option<PolicyTable> {
        self.in_file.as_ref()?.policy.clone()
    }

    pub(super) fn into_file(self) -> Option<PathBuf> {
        self.file
    }

    /// A setting, from the first place that has it.
    pub(super) fn get<T>(
        &self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&OsStr, &Origin) -> Result<T, &'static str>,
    ) -> Result<Setting<T>, Unusable> {
        let Some((text, origin)) = self.find(name) else {
            return Ok(Setting { value: default, origin: Origin::Default });
        };
        match parse(&text, &origin) {
            Ok(value) => Ok(Setting { value, origin }),
            Err(problem) => Err(Unusable::Value { origin, name, problem }),
        }
    }

    fn find(&self, name: &'static str) -> Option<(OsString, Origin)> {
        if let Some((_, value)) = self.flags.iter().find(|(flag, _)| *flag == name) {
            return Some(((*value).to_owned(), Origin::Flag(format!("--{}", name.replace('_', "-")))));
        }
        let in_environment = format!("TURNLEDGER_{}", name.to_uppercase());
        if let Some(value) = variable(&in_environment) {
            return Some((value, Origin::Environment(in_environment)));
        }
        let (_, value, line) = self.in_file.iter().flat_map(|file| &file.settings).find(|(key, ..)| *key == name)?;
        Some((value.into(), Origin::File { path: self.file.clone()?, line: *line }))
    }
}

/// The value of a variable; an empty one counts as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The settings in a file's text, or what is wrong, each with its line.
fn parse(text: &str) -> Result<InFile, (usize, String)> {
    let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(span.start));
        // The parser's message may have several lines; the first one names the fault.
        (line, error.message().lines().next().unwrap_or("not TOML").to_owned())
    })?;
    let mut file = InFile::default();
    for (key, value) in table.get_ref() {
        let line = line_of(key.span().start);
        if let (POLICY, DeValue::Table(table)) = (key.get_ref().as_ref(), value.get_ref()) {
            file.policy = Some(policy(table, line, line_of)?);
            continue;
        }
        let Some(name) = NAMES.into_iter().find(|name| *name == key.get_ref().as_ref()) else {
            return Err((line, format!("unknown setting; known are {}, and the table [{POLICY}]", NAMES.join(", "))));
        };
        let value = match value.get_ref() {
            DeValue::String(text) => text.clone().into_owned(),
            DeValue::Boolean(truth) => truth.to_string(),
            DeValue::Integer(number) if number.radix() == 10 => number.as_str().replace('_', ""),
            DeValue::Integer(_) => return Err((line, format!("{name}: expected a decimal number"))),
            _ => return Err((line, format!("{name}: expected a string, a number, true or false"))),
        };
        file.settings.push((name, value, line));
    }
    Ok(file)
}

/// The names of all members that a schema has.
fn member_names(schema: &serde_json::Value, names: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(serde_json::Value::as_object) {
                names.extend(properties.keys().cloned());
            }
            members.values().for_each(|member| member_names(member, names));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| member_names(value, names)),
        _ => {}
    }
}

/// The table of what leaves.
const POLICY: &str = "policy";

/// A policy's table as JSON. What its rules mean is the core's to say.
fn policy(table: &DeTable<'_>, line: usize, line_of: impl Fn(usize) -> usize) -> Result<PolicyTable, (usize, String)> {
    let mut json = serde_json::Map::new();
    let mut rules = Vec::new();
    for (key, value) in table {
        let (name, line) = (key.get_ref().clone().into_owned(), line_of(key.span().start));
        let value = text_or_list(value.get_ref())
            .ok_or_else(|| (line, format!("{POLICY}: {name}: expected a string or a list of strings")))?;
        json.insert(name.clone(), value);
        rules.push((name, line));
    }
    Ok(PolicyTable { json: serde_json::Value::from(json).to_string(), line, rules })
}

fn text_or_list(value: &DeValue<'_>) -> Option<serde_json::Value> {
    match value {
        DeValue::String(text) => Some(text.as_ref().into()),
        DeValue::Array(values) => {
            values.iter().map(|value| value.get_ref().as_str().map(serde_json::Value::from)).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn policies() {
        let text = "spool_days = 1\n[policy]\n# ours\ndrop_events = [\"a\", \"b\"]\ncoarsen_times = \"hour\"\n";
        let policy = parse(text).unwrap().policy.unwrap();
        assert_eq!(policy.json, r#"{"coarsen_times":"hour","drop_events":["a","b"]}"#);
        let line_of = |rule| policy.line_of(rule);
        assert_eq!([line_of(None), line_of(Some("drop_events")), line_of(Some("coarsen_times"))], [2, 4, 5]);
        let expected = "policy: drop_events: expected a string or a list of strings";
        for value in ["1", "[1]", "true", "{}", "[[]]"] {
            assert_eq!(parse(&format!("[policy]\n\ndrop_events = {value}")), Err((3, expected.into())), "{value}");
        }
        let unknown = format!("unknown setting; known are {}, and the table [policy]", super::NAMES.join(", "));
        assert_eq!(parse("policy = 1"), Err((1, unknown)));
    }

    #[test]
    fn files() {
        let text = "# ours\nupload = \"https://host.test\"\nspool_days = 1_0\n\nenabled = false\n";
        let parsed = parse(text).unwrap().settings;
        let values: Vec<_> = parsed.iter().map(|(name, value, line)| (*name, value.as_str(), *line)).collect();
        let mut expected = vec![("upload", "https://host.test", 2), ("spool_days", "10", 3), ("enabled", "false", 5)];
        expected.sort_unstable();
        let mut sorted = values.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert_eq!(
            parse("\nuplod = 1"),
            Err((2, format!("unknown setting; known are {}, and the table [policy]", super::NAMES.join(", "))))
        );
        let (line, problem) = parse("upload = \n").unwrap_err();
        assert_eq!((line, problem.contains('\n')), (1, false), "{problem}");
        let list = "\n\nupload = [1]";
        assert_eq!(parse(list), Err((3, "upload: expected a string, a number, true or false".into())));
    }
}
