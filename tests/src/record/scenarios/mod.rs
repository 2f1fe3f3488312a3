//! The scenarios: how each behaviour of Codex is brought about.

mod asking;
mod newer;
mod threads;
mod tools;
mod turns;

use serde_json::{Value, json};

use super::Scenario;
use crate::codex::{PIXEL, Step, message, turn};

/// Every scenario. The names of those that came with 0.169 begin with `x_`.
pub fn all() -> Vec<Scenario> {
    [threads::all(), turns::all(), asking::all(), tools::all(), newer::all()].concat()
}

/// What a reviewer says.
fn verdict() -> Step {
    let verdict = json!({
        "findings": [], "overall_correctness": "good", "overall_explanation": "fine", "overall_confidence_score": 0.9,
    });
    turn([message(&verdict.to_string())])
}

/// An image of a user.
fn image() -> Value {
    json!({ "type": "image", "url": format!("data:image/png;base64,{PIXEL}") })
}

/// A patch that adds a file and changes another.
const ADDS: &str = "*** Begin Patch
*** Add File: src/added.py
+import os
+
+
+def compute_total(values):
+    total = 0
+    for value in values:
+        total += value
+    return total
*** Update File: src/main.py
@@
 def main():
-    print(\"hello\")
+    greeting = \"hello, world\"
+    print(greeting)
     return 0
*** End Patch
";

/// A patch that deletes a file.
const DELETES: &str = "*** Begin Patch\n*** Delete File: src/old.py\n*** End Patch\n";

/// A patch that moves a file and changes it.
const MOVES: &str = "*** Begin Patch
*** Update File: src/main.py
*** Move to: src/app.py
@@
-import sys
+import sys
+import json
*** End Patch
";

/// A server of tools that has one which answers and one which fails: `tools.sh` of the home.
const TOOLS: &str = r#"while read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
  [ -n "$id" ] || continue
  case "$line" in
    *'"method":"initialize"'*)
      version=$(printf '%s' "$line" | sed -n 's/.*"protocolVersion":"\([^"]*\)".*/\1/p')
      result='{"protocolVersion":"'$version'","capabilities":{"tools":{}},"serverInfo":{"name":"demo","version":"1"}}' ;;
    *'"method":"tools/list"'*)
      result='{"tools":[{"name":"echo","description":"d","inputSchema":{"type":"object","properties":{"text":{"type":"string"}}},"annotations":{"readOnlyHint":true}},{"name":"fail","description":"d","inputSchema":{"type":"object","properties":{}},"annotations":{"readOnlyHint":true}}]}' ;;
    *'"name":"echo"'*) result='{"content":[{"type":"text","text":"hi"}]}' ;;
    *'"method":"tools/call"'*)
      printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"nope"}}\n' "$id"
      continue ;;
    *) result='{}' ;;
  esac
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$result"
done
"#;
