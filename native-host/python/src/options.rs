//! What callers may say of how sessions are read.

use pyo3::prelude::*;
use turnledger_core::digest::Sha2;
use turnledger_core::event::common::RpcTransport;
use turnledger_git::Answerer;
use turnledger_intake::{import, replay, session};

use crate::error;

/// What makes the hashes: the organisation's key, if there is one.
pub(crate) fn digest(key: Option<&[u8]>) -> PyResult<Sha2> {
    key.map_or_else(|| Ok(Sha2::default()), |key| Sha2::keyed(key).map_err(|short| error::of(&short)))
}

/// How clients reached the server, by the program's words for it.
pub(crate) fn transport(name: &str) -> PyResult<RpcTransport> {
    match name {
        "stdio" => Ok(RpcTransport::Stdio),
        "websocket" => Ok(RpcTransport::Websocket),
        "in-process" => Ok(RpcTransport::InProcess),
        _ => Err(error::said("transport: expected stdio, websocket or in-process")),
    }
}

/// How a session is read.
pub(crate) fn options(
    remote: Option<String>,
    transport_name: &str,
    git: bool,
    key: Option<&[u8]>,
) -> PyResult<session::Options> {
    let digest = digest(key)?;
    let answers: fn() -> Box<dyn turnledger::ledger::Answers> = || Box::new(Answerer::default());
    let replay = replay::Options::default()
        .remote(remote)
        .answers(git.then_some(answers))
        .digest(digest.clone())
        .rpc_transport(transport(transport_name)?);
    Ok(session::Options::new(replay, import::Options::default().digest(digest)))
}
