use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use embed_common::{Server, hook_run};
use sqlx::{Connection, SqliteConnection};
use turnledger::Ledger;
use turnledger::delivery::Endpoint;
use turnledger::delivery::auth::{Account, BearerToken};
use turnledger::ledger::Flushed;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut database = SqliteConnection::connect("sqlite::memory:").await?;
    let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&mut database).await?;
    assert_eq!(one, 1);

    let server = Server::start()?;
    let auth = Arc::new(BearerToken::new("a token".into(), Account::default()));
    let ledger = Ledger::builder().upload(Endpoint::new(server.url())?, auth).start()?;
    ledger.track_hook_run(hook_run());
    let flushed = ledger.begin_shutdown(Duration::from_secs(10)).await;
    assert_eq!(flushed, Flushed::Stored { delivered: 1, waiting: 0 });
    server.expect(&["User-Agent: turnledger/", "Authorization: Bearer a token"]);
    Ok(())
}
