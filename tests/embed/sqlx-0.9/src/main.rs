use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use embed_common::{Server, hook_run};
use sqlx::{Connection, SqliteConnection};
use tokio::runtime::Handle;
use turnledger::Ledger;
use turnledger::delivery::auth::{Account, SuppliedToken, TokenRefresher};
use turnledger::delivery::{Endpoint, Reply, SendError, Transport, UploadReply, UploadRequest, UploadResponse};
use turnledger::ledger::Flushed;
use turnledger::secrecy::{ExposeSecret, SecretString};

/// The program's own client, with its headers, certificates and proxy.
struct Client {
    http: reqwest::Client,
    runtime: Handle,
}

impl Transport for Client {
    fn send(&mut self, request: UploadRequest, reply: UploadReply) {
        let http = self.http.clone();
        self.runtime.spawn(async move { reply.give(post(&http, request).await) });
    }
}

async fn post(http: &reqwest::Client, request: UploadRequest) -> Result<UploadResponse, SendError> {
    let mut post = http.post(request.url).timeout(request.timeout).body(request.body);
    for header in &request.headers {
        post = post.header(&header.name, header.value.expose_secret());
    }
    let answer = post.send().await.map_err(|error| {
        if error.is_connect() { SendError::unreachable(error) } else { SendError::no_answer(error) }
    })?;
    Ok(UploadResponse::new(answer.status().as_u16()).with_headers(answer.headers()))
}

/// The editor that brought the token.
#[derive(Clone)]
struct Editor;

impl Editor {
    async fn refresh_token(&self) -> Result<String, Box<dyn Error + Send + Sync>> {
        tokio::task::yield_now().await;
        Ok("a new token".into())
    }
}

/// What the program says to its client.
struct Outgoing {
    client: Editor,
    runtime: Handle,
}

impl TokenRefresher for Outgoing {
    fn refresh(&self, reply: Reply<SecretString>) {
        let client = self.client.clone();
        // The thread that asks belongs to no runtime.
        self.runtime.spawn(async move {
            if let Ok(token) = client.refresh_token().await {
                reply.give(token.into());
            } // Dropping the reply says that there is no token.
        });
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut database = SqliteConnection::connect("sqlite::memory:").await?;
    let one: i64 = sqlx::query_scalar("SELECT 1").fetch_one(&mut database).await?;
    assert_eq!(one, 1);

    let server = Server::refusing("a stale token")?;
    let outgoing = Arc::new(Outgoing { client: Editor, runtime: Handle::current() });
    let auth = Arc::new(SuppliedToken::new("a stale token".into(), Account::default(), Arc::downgrade(&outgoing)));
    let http =
        reqwest::Client::builder().user_agent("my-app-server/1").redirect(reqwest::redirect::Policy::none()).build()?;
    let client = Client { http, runtime: Handle::current() };
    let ledger = Ledger::builder().upload(Endpoint::new(server.url())?, auth).transport(client).start()?;
    ledger.track_hook_run(hook_run());
    let flushed = ledger.begin_shutdown(Duration::from_secs(10)).await;
    assert_eq!(flushed, Flushed::Stored { delivered: 1, waiting: 0 });
    server.expect(&["User-Agent: my-app-server/1", "Authorization: Bearer a new token"]);
    Ok(())
}
