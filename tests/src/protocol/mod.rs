//! The whole protocol of the app-server, as the real binary describes it: `codex app-server generate-json-schema`.
//!
//! `tests/protocol/VERSION.json.zst` is what the pinned binaries print, compacted; `tests/tests/pipeline/privacy_protocol.rs` holds
//! the two to one another.

mod fill;
mod marker;

use serde_json::Value;

pub use self::fill::{Filler, Message, Side};
pub use self::marker::{Markers, STYLES, Style, marker};

/// The schema of a version's protocol.
///
/// # Panics
///
/// If the copy in `tests/protocol` cannot be read.
pub fn schema(version: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("protocol/{version}.json.zst"));
    let file = std::fs::File::open(&path).expect("the copy of the schema");
    let text = zstd::decode_all(file).expect("a compressed file");
    serde_json::from_slice(&text).expect("a schema")
}

/// A kind of message: its method, and the definitions of what it carries.
#[derive(Clone, Debug)]
pub struct Method {
    /// The method.
    pub name: String,
    /// The schema of its parameters.
    pub params: Value,
    /// The definition of its result; none for notifications.
    pub result: Option<String>,
}

/// Every method of the protocol.
#[derive(Clone, Debug, Default)]
pub struct Methods {
    /// What a client asks.
    pub client_requests: Vec<Method>,
    /// What a client says.
    pub client_notifications: Vec<Method>,
    /// What the server asks.
    pub server_requests: Vec<Method>,
    /// What the server says.
    pub server_notifications: Vec<Method>,
    /// Definitions of results that belong to no method: none.
    pub unused_results: Vec<String>,
}

/// Methods whose result is not called like their parameters.
const RESULTS: &[(&str, &str)] = &[
    ("account/gatewayOAuth/cancel", "GatewayOAuthCancelResponse"),
    ("account/logout", "LogoutAccountResponse"),
    ("account/rateLimits/read", "GetAccountRateLimitsResponse"),
    ("account/securitySetup/read", "GetAccountSecuritySetupResponse"),
    ("account/workspaceMessages/read", "GetWorkspaceMessagesResponse"),
    ("accountSession/list", "AccountSessionsResponse"),
    ("config/batchWrite", "ConfigWriteResponse"),
    ("config/mcpServer/reload", "McpServerRefreshResponse"),
    ("config/value/write", "ConfigWriteResponse"),
    ("configRequirements/read", "ConfigRequirementsReadResponse"),
    ("externalAgentConfig/import/readHistories", "ExternalAgentConfigImportHistoriesReadResponse"),
    ("memory/reset", "MemoryResetResponse"),
    ("remoteControl/disable", "RemoteControlDisableResponse"),
    ("remoteControl/enable", "RemoteControlEnableResponse"),
    ("remoteControl/status/read", "RemoteControlStatusReadResponse"),
    ("rollout/compress", "RolloutCompressResponse"),
    ("windowsSandbox/readiness", "WindowsSandboxReadinessResponse"),
];

/// Reads the methods of a protocol.
///
/// # Panics
///
/// If a request has no result, or the schema has another form.
pub fn methods(schema: &Value) -> Methods {
    let definitions = &schema["definitions"];
    let place = |name: &str| {
        ["definitions", "definitions/v2"]
            .map(|folder| format!("{folder}/{name}"))
            .into_iter()
            .find(|place| schema.pointer(&format!("/{place}")).is_some())
    };
    let list = |union: &str, has_results: bool| -> Vec<Method> {
        let kinds = definitions[union]["oneOf"].as_array().unwrap_or_else(|| panic!("{union} has kinds"));
        let method = |kind: &Value| {
            let members = &kind["properties"];
            let name = members["method"]["enum"][0].as_str().expect("a method").to_owned();
            let params = members["params"].clone();
            let reference = params["$ref"].as_str().or_else(|| params["anyOf"][0]["$ref"].as_str()).unwrap_or_default();
            let alike = reference.rsplit('/').next().unwrap_or_default().replace("Params", "Response");
            let known = RESULTS.iter().find(|(method, _)| *method == name).map(|(_, result)| *result);
            let result = has_results.then(|| {
                let place = known.and_then(place).or_else(|| place(&alike));
                place.unwrap_or_else(|| panic!("{name} has a result"))
            });
            Method { name, params, result }
        };
        kinds.iter().map(method).collect()
    };
    let mut methods = Methods {
        client_requests: list("ClientRequest", true),
        client_notifications: list("ClientNotification", false),
        server_requests: list("ServerRequest", true),
        server_notifications: list("ServerNotification", false),
        unused_results: Vec::new(),
    };
    let used: Vec<_> = methods
        .client_requests
        .iter()
        .chain(&methods.server_requests)
        .filter_map(|method| method.result.clone())
        .collect();
    let names =
        |value: &Value| value.as_object().map(|all| all.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let results =
        names(definitions).into_iter().chain(names(&definitions["v2"])).filter(|name| name.ends_with("Response"));
    methods.unused_results = results
        .filter(|name| name != "JSONRPCResponse" && !used.iter().any(|place| place.ends_with(&format!("/{name}"))))
        .collect();
    methods
}
