//! Sessions, their events, and exports.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::Channel;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use turnledger_archive::report::{By, Number, Place, Query, Session};
use turnledger_archive::{ArchiveError, Filter, Origin, OriginId};

use super::access::{Right, Sees, SignedIn, asked};
use super::answer::{answer, bad};
use super::asked::{Asked, Parameters, own_origins, shown, zone};
use super::numbers::{report_of, row};
use crate::Collector;
use crate::accounts::{Accounts, Pseudonyms};
use crate::peer::Wait;
use crate::refusal::Refusal;

/// How many sessions a page has, at first and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;
/// How many exports are read at once.
static EXPORTS: Semaphore = Semaphore::const_new(8);
/// How long a browser may take for one.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// How many events of a session are shown.
const MOST_EVENTS: usize = 20_000;

pub(super) async fn sessions(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    mut parameters: Parameters,
) -> Result<Response, Refusal> {
    signed_in.must(Right::Events)?;
    let limit = parameters.one("limit")?.map_or(Ok(PAGE), |limit| limit.parse());
    let limit = limit.ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    let limit = limit.ok_or_else(|| bad(format!("A page has 1 to {LARGEST_PAGE} sessions.")))?;
    let after = parameters.one("after")?.map(|text| place(&text).ok_or_else(|| bad("There is no such page.")));
    let after = after.transpose()?;
    let SignedIn(user) = signed_in;
    let question = Asked::read(&collector, &user, parameters)?;
    let pseudonyms = asked(&collector, Accounts::pseudonyms).await?;
    let found = collector.read(move |archive| {
        let query = question.query(archive, &user, &pseudonyms)?;
        let page = archive.sessions(&query, after, limit)?;
        let origins = archive.origins()?;
        let sees = user.kind.role().sees();
        let sessions = page.sessions.iter().map(|session| object(session, &origins, sees, &pseudonyms));
        let next = page.next.map(|place| {
            format!("{}.{}", place.last_ms.map_or_else(String::new, |last| last.to_string()), place.thread)
        });
        Ok::<_, ArchiveError>(json!({ "sessions": sessions.collect::<Value>(), "next": next, "total": page.total }))
    });
    Ok(answer(found.await?))
}

/// Where a list goes on: `1764400000000.17`.
fn place(text: &str) -> Option<Place> {
    let (last, thread) = text.split_once('.')?;
    let last_ms = if last.is_empty() { None } else { Some(last.parse().ok()?) };
    Some(Place { last_ms, thread: thread.parse().ok()? })
}

fn object(session: &Session, origins: &[Origin], sees: Sees, pseudonyms: &Pseudonyms) -> Value {
    let origin = origins.iter().find(|origin| origin.id == session.origin);
    let person = origin.map(|origin| shown(sees, pseudonyms, &origin.person));
    let of_row = row(Some(By::Thread), &session.row, None);
    json!({
        "id": format!("{}.{}", session.origin.number(), session.row.key.as_deref().unwrap_or_default()),
        "thread_id": of_row["key"],
        "team": origin.and_then(|origin| origin.team.as_deref()),
        "person": person,
        // What most sessions have one of.
        "client": session.clients.last(),
        "models": session.models,
        "repository": session.repository,
        "first_at": of_row["first_at"],
        "last_at": of_row["last_at"],
        "numbers": of_row["numbers"],
        "gaps": of_row["gaps"],
    })
}

pub(super) async fn session(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    signed_in.must(Right::Events)?;
    let SignedIn(user) = signed_in;
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "There is no such session.");
    let (origin, thread) = id.split_once('.').ok_or_else(unknown)?;
    let origin = OriginId::of_number(origin.parse().map_err(|_| unknown())?);
    let (thread, zone) = (thread.to_owned(), zone(&collector, user.kind.role()));
    let pseudonyms = asked(&collector, Accounts::pseudonyms).await?;
    let found = collector.read(move |archive| {
        // Another's session is as unknown as one that is not there.
        if own_origins(archive, &user)?.is_some_and(|own| !own.contains(&origin)) {
            return Ok(None);
        }
        let query = Query::new(zone).origins(vec![origin]).thread(thread.clone());
        let page = archive.sessions(&query, None, 1)?;
        let Some(session) = page.sessions.first() else { return Ok(None) };
        let (mut events, mut left_out) = (Vec::new(), 0_u64);
        let filter = Filter::default().origins(vec![origin]).thread(thread);
        let unreadable = archive.events(&filter, |stored| {
            if events.len() < MOST_EVENTS {
                // An event writes JSON.
                let event: Value = serde_json::from_str(&stored.event.to_json()).unwrap_or_default();
                events.push(json!({ "at": stored.at.map(|at| at.0), "event": event }));
            } else {
                left_out += 1;
            }
            true
        })?;
        let session = object(session, &archive.origins()?, user.kind.role().sees(), &pseudonyms);
        Ok::<_, ArchiveError>(Some(json!({
            "session": session, "events": events, "unreadable_events": unreadable, "events_left_out": left_out,
        })))
    });
    found.await?.map(answer).ok_or_else(unknown)
}

pub(super) async fn export(
    State(collector): State<Collector>,
    signed_in: SignedIn,
    mut parameters: Parameters,
) -> Result<Response, Refusal> {
    let format = parameters.one("format")?;
    match format.as_deref() {
        Some("csv") => {
            let question = Asked::read(&collector, &signed_in.0, parameters)?;
            let by = question.by;
            let report = report_of(&collector, signed_in.0, question).await?;
            let csv = csv(by, &report).map_err(|error| Refusal::fault("The report cannot be written.", &error))?;
            Ok(download(Body::from(csv), "text/csv; charset=utf-8", "turnledger.csv"))
        }
        Some("jsonl") => {
            signed_in.must(Right::Events)?;
            let SignedIn(user) = signed_in;
            let busy = |_| Refusal::busy("There are many exports now.", Wait::new(Duration::from_secs(10)));
            let turn = EXPORTS.try_acquire().map_err(busy)?;
            let question = Asked::read(&collector, &user, parameters)?;
            let pseudonyms = asked(&collector, Accounts::pseudonyms).await?;
            let folder = collector.store().parent().map(ToOwned::to_owned).unwrap_or_default();
            let file = collector.read(move |archive| {
                let query = question.query(archive, &user, &pseudonyms)?;
                // A file in between: a slow browser does not keep the store.
                let mut output = match tempfile::tempfile_in(folder) {
                    Ok(file) => BufWriter::new(file),
                    Err(error) => return Ok(Err(error)),
                };
                let mut written = Ok(());
                archive.events_of_query(&query, |stored| {
                    written = writeln!(output, "{}", stored.event);
                    written.is_ok()
                })?;
                let file = written.and_then(|()| output.into_inner().map_err(io::IntoInnerError::into_error));
                Ok::<_, ArchiveError>(file.and_then(|mut file| file.rewind().map(|()| file)))
            });
            let full = "The export cannot be written: the disk may be full.";
            let file = file.await?.map_err(|error| Refusal::fault(full, &error))?;
            Ok(download(body_of(file, turn), "application/x-ndjson", "turnledger.jsonl"))
        }
        _ => Err(bad("`format` is csv or jsonl.")),
    }
}

fn download(body: Body, content_type: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// A file, piece by piece: no more of it is in memory than the browser takes.
fn body_of(mut file: File, turn: SemaphorePermit<'static>) -> Body {
    const PIECE: usize = 64 * 1024;
    let (mut sender, channel) = Channel::<Bytes, io::Error>::new(2);
    let runtime = tokio::runtime::Handle::current();
    let until = Instant::now() + LONGEST;
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        while Instant::now() < until {
            let mut piece = vec![0; PIECE];
            match file.read(&mut piece) {
                Ok(0) => return,
                Ok(read) => {
                    piece.truncate(read);
                    // An error is that nobody reads any more.
                    if runtime.block_on(sender.send_data(piece.into())).is_err() {
                        return;
                    }
                }
                Err(error) => return sender.abort(error),
            }
        }
        sender.abort(io::ErrorKind::TimedOut.into());
    });
    Body::new(channel)
}

/// The rows of a report, or its total.
fn csv(by: Option<By>, report: &Value) -> Result<Vec<u8>, csv::Error> {
    let empty = Vec::new();
    let total = [report["total"].clone()];
    let rows = if by.is_some() { report["rows"].as_array().unwrap_or(&empty) } else { &total[..] };
    let has = |number: &&Number| rows.iter().any(|row| row["numbers"].get(number.id()).is_some());
    let numbers: Vec<Number> = Number::ALL.iter().filter(has).copied().collect();
    let has_gap: Vec<Number> = numbers.iter().copied().filter(|number| number.lower_bound().is_some()).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header = vec![by.map_or("total", By::id).to_owned()];
    header.extend(numbers.iter().map(|number| number.id().to_owned()));
    header.extend(has_gap.iter().map(|number| format!("{}_unknown", number.id())));
    writer.write_record(&header)?;
    for row in rows {
        let key = row["key"].as_str().unwrap_or(if row["is_rest"] == true { "(several)" } else { "" });
        let mut record = vec![harmless(key)];
        record.extend(numbers.iter().map(|number| text(&row["numbers"][number.id()])));
        record.extend(has_gap.iter().map(|number| match row["gaps"].get(number.id()) {
            Some(gap) => text(&gap["unknown"]),
            None => "0".into(),
        }));
        writer.write_record(&record)?;
    }
    writer.into_inner().map_err(|error| io::Error::from(error.into_error().kind()).into())
}

fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// A name that a spreadsheet does not take for a formula: whoever sends chooses the names of models and clients.
fn harmless(key: &str) -> String {
    if key.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{key}") } else { key.to_owned() }
}
