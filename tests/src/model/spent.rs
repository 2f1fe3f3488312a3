//! What a turn's time and requests went into, as far as messages show it (`docs/contract/versions.md`).

/// Times at which at least one of several things was open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    open: u64,
    since: i64,
    total: i64,
}

impl Span {
    fn begin(&mut self, at: i64) {
        if self.open == 0 {
            self.since = at;
        }
        self.open += 1;
    }

    fn end(&mut self, at: i64) {
        if self.open == 1 {
            self.total += (at - self.since).max(0);
        }
        self.open = self.open.saturating_sub(1);
    }

    /// What it comes to if everything open ends now.
    pub(super) fn until(mut self, at: i64) -> i64 {
        if self.open > 0 {
            self.open = 1;
            self.end(at);
        }
        self.total
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) tools: Span,
    pub(super) compactions: Span,
    pub(super) requests: u64,
    pub(super) retries: u64,
}

impl Spent {
    fn span(&mut self, kind: &str) -> &mut Span {
        if kind == "contextCompaction" { &mut self.compactions } else { &mut self.tools }
    }

    pub(super) fn began(&mut self, kind: &str, at: Option<i64>) {
        if let Some(at) = at.filter(|at| *at >= 0) {
            self.span(kind).begin(at);
        }
    }

    pub(super) fn ended(&mut self, kind: &str, at: Option<i64>) {
        if let Some(at) = at.filter(|at| *at >= 0) {
            self.span(kind).end(at);
        }
    }
}
