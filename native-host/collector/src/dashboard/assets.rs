//! The page's own files. They are built from the dashboard of the inspector's package.

use std::io::Write;

use axum::Router;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::Collector;
use crate::secret::hash;

/// Nothing of another site, nothing inline, and in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
#[derive(Clone, Copy)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: [Asset; 5] = [
    Asset { path: "/", content_type: HTML, bytes: include_bytes!("../../assets/index.html") },
    Asset { path: "/assets/dashboard.js", content_type: SCRIPT, bytes: include_bytes!("../../assets/dashboard.js") },
    Asset { path: "/assets/session.js", content_type: SCRIPT, bytes: include_bytes!("../../assets/session.js") },
    Asset {
        path: "/assets/dashboard.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/dashboard.css"),
    },
    Asset {
        path: "/assets/licences.txt",
        content_type: "text/plain; charset=utf-8",
        bytes: include_bytes!("../../assets/licences.txt"),
    },
];

pub(super) fn routes() -> Router<Collector> {
    ASSETS.iter().fold(Router::new(), |router, asset| {
        let etag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(hash(asset.bytes)));
        let packed = packed(asset.bytes);
        router.route(asset.path, get(move |headers: HeaderMap| async move { serve(asset, &etag, packed, &headers) }))
    })
}

/// The file as gzip, made once.
fn packed(bytes: &[u8]) -> axum::body::Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    // Memory takes everything.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}

fn serve(asset: &Asset, etag: &str, packed: axum::body::Bytes, headers: &HeaderMap) -> Response {
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let takes_gzip = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let takes_gzip = takes_gzip.is_some_and(|takes| takes.split(',').any(|coding| coding.trim() == "gzip"));
    let mut response = match (is_known, takes_gzip) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => packed.into_response(),
        (false, false) => asset.bytes.into_response(),
    };
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(CONTENT_TYPE, asset.content_type);
    set(CACHE_CONTROL, "no-cache");
    set(ETAG, etag);
    set(VARY, "Accept-Encoding");
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    if takes_gzip && !is_known {
        set(CONTENT_ENCODING, "gzip");
    }
    response
}
