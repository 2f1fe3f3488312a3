//! Who looks, and what that one may see.

use axum::Extension;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Json, Request, State};
use axum::http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use turnledger_core::UnixMillis;

use super::answer::answer;
use crate::accounts::{Accounts, AccountsError, Role, User};
use crate::refusal::Refusal;
use crate::{Collector, Peer};

/// Only this host sets it, over TLS or on this machine, and no script reads it.
const COOKIE_NAME: &str = "__Host-turnledger";
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
/// How long one stays signed in.
const HOURS: u64 = 12;

/// What a role may do. Everybody who is signed in sees numbers: see [`Sees`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// See sessions and events.
    Events,
    /// Change who may send and who may look.
    Accounts,
}

/// Whose numbers and events a role sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sees {
    /// Everybody's, with names.
    All,
    /// Everybody's, with pseudonyms.
    Pseudonyms,
    /// What is published.
    Published,
    /// What this person's tokens brought.
    Own,
}

impl Role {
    pub(super) const fn has(self, right: Right) -> bool {
        match right {
            Right::Events => !matches!(self, Self::Viewer),
            Right::Accounts => matches!(self, Self::Owner),
        }
    }

    pub(super) const fn sees(self) -> Sees {
        match self {
            Self::Owner => Sees::All,
            Self::Analyst => Sees::Pseudonyms,
            Self::Viewer => Sees::Published,
            Self::Member => Sees::Own,
        }
    }
}

/// Who is signed in: who asks for this and is not gets 401.
#[derive(Clone, Debug)]
pub(super) struct SignedIn(pub(super) User);

impl SignedIn {
    pub(super) const fn role(&self) -> Role {
        self.0.kind.role()
    }

    /// Refuses a role without the right.
    pub(super) fn must(&self, right: Right) -> Result<(), Refusal> {
        if self.role().has(right) {
            return Ok(());
        }
        let role = self.role().name();
        Err(Refusal::said(StatusCode::FORBIDDEN, format!("The role {role} may not do this.")))
    }
}

impl FromRequestParts<Collector> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, collector: &Collector) -> Result<Self, Refusal> {
        let refused = || Refusal::new(StatusCode::UNAUTHORIZED, "Sign in first.");
        let secret = secret(&parts.headers).ok_or_else(refused)?.to_owned();
        let now = collector.now();
        let user = asked(collector, move |accounts| accounts.signed_in(&secret, now)).await?;
        user.map(Self).ok_or_else(refused)
    }
}

/// Asks the accounts, on a thread where one may wait.
pub(super) async fn asked<T: Send + 'static>(
    collector: &Collector,
    ask: impl FnOnce(&Accounts) -> Result<T, AccountsError> + Send + 'static,
) -> Result<T, Refusal> {
    let collector = collector.clone();
    match tokio::task::spawn_blocking(move || ask(collector.accounts())).await {
        Ok(answer) => Ok(answer?),
        // It panicked: the one who asked does, too.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// What the browser keeps.
fn secret(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|header| header.to_str().ok());
    let pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value).next()
}

/// Refuses what another site's page asks for in a person's name: it can neither add a header nor hide where it is from.
pub(super) async fn only_from_the_page(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_changing = !matches!(*request.method(), Method::GET | Method::HEAD);
    let is_of_page = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"))
        && text(ORIGIN.as_str()).is_none_or(|origin| {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_some() && host == text(HOST.as_str())
        });
    if is_changing && (text("x-turnledger") != Some("1") || !is_of_page) {
        return Refusal::new(StatusCode::FORBIDDEN, "Only the dashboard's own page may ask for this.").into_response();
    }
    next.run(request).await
}

/// What a request says, if it is what was asked for.
pub(super) fn said<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, Refusal> {
    match body {
        Ok(Json(said)) => Ok(said),
        Err(rejection) => Err(Refusal::new(rejection.status(), "The request's body is not what this asks for.")),
    }
}

/// The key that a user signs in with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    key: String,
}

pub(super) async fn sign_in(
    State(collector): State<Collector>,
    Extension(peer): Extension<Peer>,
    body: Result<Json<Key>, JsonRejection>,
) -> Result<Response, Refusal> {
    let Key { key } = said(body)?;
    let now = collector.now();
    let is_token = Accounts::is_token(key.trim());
    let user = asked(&collector, move |accounts| accounts.sign_in(key.trim(), now)).await?;
    let Some(user) = user else {
        let wait = |wait: crate::peer::Wait| Refusal::too_many("Too many wrong keys: try again later.", wait);
        collector.wrong_secret(peer).map_err(wait)?;
        let sentence = if is_token {
            "This is a client's token, which only sends. A user's key begins with tlk_."
        } else {
            "No user signs in with this key."
        };
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, sentence));
    };
    let until = UnixMillis(now.0.saturating_add(HOURS * 60 * 60 * 1000));
    let secret = asked(&collector, move |accounts| accounts.begin_sign_in(&user, now, until)).await?;
    let seconds = HOURS * 60 * 60;
    Ok(with_cookie(&format!("{COOKIE_NAME}={}; {ATTRIBUTES}; Max-Age={seconds}", secret.expose())))
}

pub(super) async fn sign_out(State(collector): State<Collector>, headers: HeaderMap) -> Result<Response, Refusal> {
    if let Some(secret) = secret(&headers).map(ToOwned::to_owned) {
        asked(&collector, move |accounts| accounts.end_sign_in(&secret)).await?;
    }
    Ok(with_cookie(&format!("{COOKIE_NAME}=; {ATTRIBUTES}; Max-Age=0")))
}

fn with_cookie(cookie: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    // Letters, digits and the constants above.
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

pub(super) async fn me(State(collector): State<Collector>, signed_in: SignedIn) -> Response {
    let (user, role) = (&signed_in.0, signed_in.role());
    let zone = super::asked::zone(&collector, role);
    answer(json!({
        "name": user.name,
        "role": role.name(),
        "person": user.kind.person(),
        "smallest_group": collector.smallest_group(),
        "may": {
            "events": role.has(Right::Events),
            "tokens": role.has(Right::Accounts),
            "persons": matches!(role.sees(), Sees::All | Sees::Pseudonyms),
        },
        "time_zone": super::asked::zone_name(&zone),
    }))
}
