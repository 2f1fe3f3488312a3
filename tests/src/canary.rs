//! A marker in everything that analytics must never see.

use serde_json::Value;

/// What must not come out.
pub const MARKER: &str = "c4n4ry-5e37";

/// Members whose texts are prompts, commands, paths, diffs, outputs, URLs, rationales, or could be.
const PRIVATE: &[&str] = &[
    "aggregatedOutput",
    "argv",
    "arguments",
    "codexHome",
    "command",
    "content",
    "contentItems",
    "cwd",
    "delta",
    "details",
    "developer_instructions",
    "diff",
    "entries",
    "execpolicy_amendment",
    "files",
    "fileSystem",
    "grantRoot",
    "host",
    "imageUrl",
    "instructionSources",
    "itemPath",
    "move_path",
    "originUrl",
    "path",
    "preview",
    "prompt",
    "proposedExecpolicyAmendment",
    "queries",
    "query",
    "rationale",
    "read",
    "reason",
    "result_text",
    "revisedPrompt",
    "runtimeWorkspaceRoots",
    "savedPath",
    "sourcePath",
    "statusMessage",
    "structuredContent",
    "summary",
    "target",
    "text",
    "url",
    "write",
    "writableRoots",
];

/// Puts the marker into every text below a private member.
pub fn mark(value: &mut Value, private: bool) {
    match value {
        Value::String(text) if private => {
            // A diff stays a diff: its lines carry the marker.
            *text = if text.contains("@@ ") {
                text.replace('\n', &format!(" {MARKER}\n"))
            } else if text.starts_with('/') {
                format!("/{MARKER}{text}")
            } else if let Some((scheme, rest)) = text.split_once("://") {
                format!("{scheme}://{MARKER}.{rest}")
            } else {
                format!("{text} {MARKER}")
            };
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| mark(element, private)),
        Value::Object(members) => {
            // The path of an app or a plugin is its id, which events report.
            let is_mention = members.get("type").is_some_and(|kind| kind == "mention");
            for (name, member) in members.iter_mut() {
                let names_kind = matches!(name.as_str(), "type" | "id" | "kind" | "access");
                let below = (private || PRIVATE.contains(&name.as_str())) && !names_kind && !is_mention;
                mark(member, below);
            }
        }
        _ => {}
    }
}
