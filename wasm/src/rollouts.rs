//! Rollouts that are being read, each by a pipeline of its own.

use turnledger_core::event::common::RpcTransport;
use turnledger_core::fact::answer::RemoteUrl;
use turnledger_core::{Id, Limits, Output, Pipeline, Rollout, Stats, UnixMillis, Unreadable};

use crate::digest::HostDigest;

#[derive(Debug)]
struct Reading {
    number: u32,
    pipeline: Pipeline<HostDigest>,
    rollout: Rollout,
    /// The remote of the repository that the thread worked in.
    remote: Option<RemoteUrl>,
    /// Whether the thread was given away with it.
    is_placed: bool,
}

/// The files that are open.
#[derive(Debug, Default)]
pub(crate) struct Rollouts {
    /// In the order of their numbers. (A list is less code than a map.)
    open: Vec<Box<Reading>>,
    /// What those counted that are read to their end.
    ended: Stats,
}

impl Rollouts {
    /// Takes note of the repository that a file's thread worked in.
    pub(crate) fn work_in(&mut self, number: u32, with: (&HostDigest, &Limits), remote: &str) {
        self.opened(number, with).remote = Some(remote.into());
    }

    /// Reads a line of a file. The first one opens it.
    pub(crate) fn line(
        &mut self,
        number: u32,
        with: (&HostDigest, &Limits),
        line: &[u8],
        output: &mut Output,
    ) -> Result<(), Unreadable> {
        let Reading { pipeline, rollout, .. } = self.opened(number, with);
        pipeline.read(rollout, line, output)
    }

    fn opened(&mut self, number: u32, (digest, limits): (&HostDigest, &Limits)) -> &mut Reading {
        let at = self.place(number).unwrap_or_else(|at| {
            let pipeline = Pipeline::new(digest.clone(), RpcTransport::Stdio, *limits);
            self.open.insert(
                at,
                Box::new(Reading { number, pipeline, rollout: Rollout::new(1), remote: None, is_placed: false }),
            );
            at
        });
        &mut self.open[at]
    }

    /// Where a file is in the list, or would be.
    fn place(&self, number: u32) -> Result<usize, usize> {
        self.open.binary_search_by_key(&number, |reading| reading.number)
    }

    fn get(&self, number: u32) -> Option<&Reading> {
        self.place(number).ok().map(|at| &*self.open[at])
    }

    /// The thread of a file once it is known, and the file's remote if one was named.
    pub(crate) fn take_place(&mut self, number: u32) -> Option<(Id, Option<RemoteUrl>)> {
        let at = self.place(number).ok()?;
        let Reading { rollout, remote, is_placed, .. } = &mut *self.open[at];
        let thread = rollout.thread_id().filter(|_| !*is_placed)?;
        *is_placed = true;
        Some((thread.clone(), remote.take()))
    }

    /// A file has no more lines. One that was never read has nothing to end.
    pub(crate) fn end(&mut self, number: u32, output: &mut Output) {
        if let Ok(at) = self.place(number) {
            let mut reading = self.open.remove(at);
            let Reading { pipeline, rollout, .. } = &mut *reading;
            pipeline.end(rollout, output);
            self.ended.add(pipeline.stats());
        }
    }

    /// The thread of a file; none before its first line was read.
    pub(crate) fn thread(&self, number: u32) -> Option<String> {
        self.get(number)?.rollout.thread_id().map(ToString::to_string)
    }

    /// When the latest line of a file was written.
    pub(crate) fn at(&self, number: u32) -> UnixMillis {
        self.get(number).map(|reading| reading.rollout.at()).unwrap_or_default()
    }

    /// Adds what all files counted.
    pub(crate) fn add_stats(&self, stats: &mut Stats) {
        stats.add(&self.ended);
        for reading in &self.open {
            stats.add(reading.pipeline.stats());
        }
    }
}
