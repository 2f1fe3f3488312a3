//! What JavaScript begins a session with.

use js_sys::{Object, Reflect};
use turnledger_core::event::common::RpcTransport;
use turnledger_core::{BatchLimits, Cap, Limits};
use wasm_bindgen::{JsCast, JsError, JsValue};

/// What a session begins with.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rpc_transport: RpcTransport,
    pub(crate) limits: Limits,
    pub(crate) batch: BatchLimits,
    /// The name of the scheme of the host's own digest.
    pub(crate) scheme: Option<String>,
}

impl Options {
    pub(crate) fn of(options: &JsValue) -> Result<Self, JsError> {
        let options = Part { name: "options", value: options };
        options.knows(&["rpcTransport", "limits", "batch", "scheme"])?;
        let rpc_transport = match options.text("rpcTransport", "transport")?.as_deref() {
            None | Some("stdio") => RpcTransport::Stdio,
            Some("websocket") => RpcTransport::Websocket,
            Some("in_process") => RpcTransport::InProcess,
            Some(_) => return Err(JsError::new("transport: expected \"stdio\", \"websocket\" or \"in_process\"")),
        };
        let batch = options.part("batch", "batch", batch_limits)?.unwrap_or_default();
        let limits = options.part("limits", "limits", limits)?.unwrap_or_default();
        Ok(Self { rpc_transport, limits, batch, scheme: options.text("scheme", "digest.scheme")? })
    }
}

fn batch_limits(part: &Part<'_>) -> Result<BatchLimits, JsError> {
    part.knows(&["events", "bytes"])?;
    Ok(BatchLimits { events: part.size("events")?, bytes: part.size("bytes")? })
}

fn cap(part: &Part<'_>) -> Result<Cap, JsError> {
    part.knows(&["entries", "idleMs"])?;
    Ok(Cap { entries: part.size("entries")?, idle_ms: part.number("idleMs")? })
}

/// A limit of both stages is one here.
fn limits(part: &Part<'_>) -> Result<Limits, JsError> {
    part.knows(&["connections", "threads", "turns", "items", "requests", "approvals", "diffBytes", "heldDiffBytes"])?;
    let mut limits = Limits::default();
    let Limits { observer, reducer } = &mut limits;
    for (name, caps) in [
        ("connections", [Some(&mut observer.connections), Some(&mut reducer.connections)]),
        ("threads", [Some(&mut observer.threads), Some(&mut reducer.threads)]),
        ("turns", [Some(&mut observer.turns), Some(&mut reducer.turns)]),
        ("items", [None, Some(&mut reducer.items)]),
        ("requests", [Some(&mut observer.requests), Some(&mut reducer.requests)]),
        ("approvals", [Some(&mut observer.approvals), Some(&mut reducer.reviews)]),
    ] {
        if let Some(wanted) = part.part(name, &format!("limits.{name}"), cap)? {
            caps.into_iter().flatten().for_each(|cap| *cap = wanted);
        }
    }
    for (name, bytes) in
        [("diffBytes", &mut reducer.max_diff_bytes), ("heldDiffBytes", &mut reducer.max_held_diff_bytes)]
    {
        if !is_absent(&part.get(name)) {
            *bytes = part.size(name)?;
        }
    }
    Ok(limits)
}

fn is_absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

/// An object among the options, by the name under which its caller knows it.
struct Part<'v> {
    name: &'v str,
    value: &'v JsValue,
}

impl Part<'_> {
    fn get(&self, member: &str) -> JsValue {
        Reflect::get(self.value, &member.into()).unwrap_or_default()
    }

    /// Looks for members that nobody reads.
    fn knows(&self, members: &[&str]) -> Result<(), JsError> {
        if !self.value.is_object() {
            return Err(JsError::new(&format!("{}: expected an object", self.name)));
        }
        let unknown = Object::keys(self.value.unchecked_ref::<Object>())
            .iter()
            .filter_map(|key| key.as_string())
            .find(|key| !members.contains(&key.as_str()));
        unknown.map_or(Ok(()), |key| Err(JsError::new(&format!("{}: unknown member {key:?}", self.name))))
    }

    fn part<T>(
        &self,
        member: &str,
        name: &str,
        read: impl FnOnce(&Part<'_>) -> Result<T, JsError>,
    ) -> Result<Option<T>, JsError> {
        let value = self.get(member);
        if is_absent(&value) { Ok(None) } else { read(&Part { name, value: &value }).map(Some) }
    }

    fn text(&self, member: &str, name: &str) -> Result<Option<String>, JsError> {
        let value = self.get(member);
        if is_absent(&value) {
            return Ok(None);
        }
        value.as_string().map(Some).ok_or_else(|| JsError::new(&format!("{name}: expected a string")))
    }

    /// A whole number from 0 on that a double has exactly.
    fn number(&self, member: &str) -> Result<u64, JsError> {
        let number = self.get(member).as_f64().filter(|number| (0.0..=crate::MOST_EXACT).contains(number));
        number
            .filter(|number| number.fract() == 0.0)
            .map(crate::count)
            .ok_or_else(|| JsError::new(&format!("{}.{member}: expected a whole number from 0 on", self.name)))
    }

    fn size(&self, member: &str) -> Result<usize, JsError> {
        let number = self.number(member)?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    }
}
