//! How the server's user is signed in.

use serde_json::{Value, json};

use super::world::World;
use super::{Choices, MARKER};

impl World {
    /// Someone signs in or out, or a client asks who is signed in.
    pub(super) fn account(&mut self, choices: &mut Choices) {
        let client = self.client(choices);
        match choices.below(5) {
            0 => {
                // Nobody may have seen how: that was before.
                let kind = *self.account.get_or_insert_with(|| choices.of(&[Some("apiKey"), Some("chatgpt"), None]));
                let account = kind.map_or(Value::Null, |kind| json!({ "type": kind, "email": MARKER }));
                let result = json!({ "account": account, "requiresOpenaiAuth": true });
                self.call(client, "account/read", json!({ "refreshToken": false }), Ok(result));
            }
            1 => {
                self.call(client, "account/logout", Value::Null, Ok(json!({})));
                self.signed_in(None);
            }
            2 => self.begin_login(client, choices),
            _ => {
                let params = json!({ "type": "apiKey", "apiKey": MARKER });
                if choices.once_in(4) {
                    self.call(client, "account/login/start", params, Err(json!({ "code": -32600, "message": MARKER })));
                } else {
                    self.call(client, "account/login/start", params, Ok(json!({ "type": "apiKey" })));
                    self.signed_in(Some("apiKey"));
                }
            }
        }
    }

    /// A login that a browser completes, or that nobody completes.
    fn begin_login(&mut self, client: usize, choices: &mut Choices) {
        let begun = json!({ "type": "chatgpt", "loginId": MARKER, "authUrl": MARKER });
        self.call(client, "account/login/start", json!({ "type": "chatgpt" }), Ok(begun));
        if choices.once_in(2) {
            self.signed_in(Some("chatgpt"));
        }
    }

    /// Tells all clients at once.
    fn signed_in(&mut self, account: Option<&'static str>) {
        self.account = Some(account);
        self.catch_up();
        let params = json!({ "authMode": account.map(str::to_lowercase), "planType": null });
        let updated = json!({ "method": "account/updated", "params": params }).to_string();
        for client in 0..self.clients.len() {
            self.deliver(client, updated.clone());
        }
    }
}
