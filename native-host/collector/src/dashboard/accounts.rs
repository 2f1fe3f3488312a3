//! Tokens and users, for owners.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::{Right, SignedIn, asked, said};
use super::answer::{answer, bad};
use crate::Collector;
use crate::accounts::{Accounts, Role, UserKind};
use crate::refusal::Refusal;

pub(super) async fn tokens(State(collector): State<Collector>, signed_in: SignedIn) -> Result<Response, Refusal> {
    signed_in.must(Right::Accounts)?;
    let tokens = asked(&collector, Accounts::tokens).await?;
    let tokens = tokens.into_iter().map(|token| {
        json!({
            "id": token.id, "person": token.person, "team": token.team, "created_at": token.created_at.0,
            "last_used_at": token.last_used_at.map(|time| time.0), "revoked_at": token.revoked_at.map(|time| time.0),
        })
    });
    Ok(answer(json!({ "tokens": tokens.collect::<Value>() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    person: String,
    team: Option<String>,
}

pub(super) async fn add_token(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    body: Result<Json<NewToken>, JsonRejection>,
) -> Result<Response, Refusal> {
    signed_in.must(Right::Accounts)?;
    let NewToken { person, team } = said(body)?;
    let now = collector.now();
    let (id, token) = asked(&collector, move |accounts| accounts.add_token(&person, team.as_deref(), now)).await?;
    Ok((StatusCode::CREATED, answer(json!({ "id": id, "token": token.expose() }))).into_response())
}

pub(super) async fn revoke_token(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    signed_in.must(Right::Accounts)?;
    let now = collector.now();
    let id = number(&id)?;
    revoked(asked(&collector, move |accounts| accounts.revoke_token(id, now)).await?)
}

pub(super) async fn users(State(collector): State<Collector>, signed_in: SignedIn) -> Result<Response, Refusal> {
    signed_in.must(Right::Accounts)?;
    let users = asked(&collector, Accounts::users).await?;
    let users = users.into_iter().map(|user| {
        json!({
            "id": user.id, "name": user.name, "role": user.kind.role().name(), "person": user.kind.person(),
            "created_at": user.created_at.0, "last_used_at": user.last_used_at.map(|time| time.0),
            "revoked_at": user.revoked_at.map(|time| time.0),
        })
    });
    Ok(answer(json!({ "users": users.collect::<Value>() })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    name: String,
    role: String,
    person: Option<String>,
}

pub(super) async fn add_user(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    body: Result<Json<NewUser>, JsonRejection>,
) -> Result<Response, Refusal> {
    signed_in.must(Right::Accounts)?;
    let NewUser { name, role, person } = said(body)?;
    let role = Role::of(&role).ok_or_else(|| bad("There is no such role."))?;
    let kind = UserKind::new(role, person).ok_or_else(|| bad("A member has a person, and no other role has one."))?;
    let now = collector.now();
    let (id, key) = asked(&collector, move |accounts| accounts.add_user(&name, &kind, now)).await?;
    Ok((StatusCode::CREATED, answer(json!({ "id": id, "key": key.expose() }))).into_response())
}

pub(super) async fn revoke_user(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    signed_in.must(Right::Accounts)?;
    let id = number(&id)?;
    if id == signed_in.0.id {
        return Err(Refusal::new(StatusCode::CONFLICT, "Nobody revokes the user who is signed in: another owner can."));
    }
    let now = collector.now();
    revoked(asked(&collector, move |accounts| accounts.revoke_user(id, now)).await?)
}

fn number(id: &str) -> Result<i64, Refusal> {
    id.parse().map_err(|_| Refusal::new(StatusCode::NOT_FOUND, "There is none of this number."))
}

fn revoked(was_good: bool) -> Result<Response, Refusal> {
    if was_good {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(Refusal::new(StatusCode::NOT_FOUND, "There is none of this number, or it is revoked."))
    }
}
