//! Which commits `A..B` names.

use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, HashSet};

use gix::ObjectId;
use gix::commitgraph::Graph;

use super::{Git, GitError};

/// From where a commit can be reached.
const FROM_TO: u8 = 1;
const FROM_FROM: u8 = 2;

/// How far a commit is from the beginning of history, at least; [`FAR`] if nothing says it.
type Generation = u32;
const FAR: Generation = u32::MAX;

struct Node {
    generation: Generation,
    reached: u8,
    is_waiting: bool,
}

/// A walk through history that goes by what is reached from what, whatever dates say.
struct Walk<'a> {
    git: &'a Git,
    graph: Option<Graph>,
    nodes: HashMap<ObjectId, Node>,
    waiting: BinaryHeap<(Generation, ObjectId)>,
    /// How many that wait are reached from the end of the range alone.
    open: usize,
}

impl Git {
    /// The commits that can be reached from `to` and not from `from`.
    ///
    /// Without a commit-graph every commit before the two is read: dates may lie, and nothing else says
    /// that one is no ancestor of another.
    pub(super) fn commits_between(&self, from: ObjectId, to: ObjectId) -> Result<HashSet<ObjectId>, GitError> {
        // A shallow clone has other parents than its commit-graph.
        let is_shallow = self.repo.shallow_commits()?.is_some();
        let graph = if is_shallow { None } else { self.repo.commit_graph_if_enabled().ok().flatten() };
        let mut walk = Walk { git: self, graph, nodes: HashMap::new(), waiting: BinaryHeap::new(), open: 0 };
        walk.reach(to, FROM_TO);
        walk.reach(from, FROM_FROM);
        // The lowest generation of a commit that may be in the range.
        let mut lowest = FAR;
        while let Some((generation, id)) = walk.waiting.pop() {
            if walk.open == 0 && generation < lowest {
                break;
            }
            let Some(node) = walk.nodes.get_mut(&id) else { continue };
            node.is_waiting = false;
            let reached = node.reached;
            if reached == FROM_TO {
                walk.open -= 1;
                lowest = lowest.min(generation);
            }
            for parent in walk.parents(id) {
                walk.reach(parent, reached);
            }
        }
        Ok(walk.nodes.into_iter().filter(|(_, node)| node.reached == FROM_TO).map(|(id, _)| id).collect())
    }
}

impl Walk<'_> {
    fn reach(&mut self, id: ObjectId, from: u8) {
        let (node, before) = match self.nodes.entry(id) {
            Entry::Occupied(node) => {
                let node = node.into_mut();
                let before = node.reached;
                (node, before)
            }
            Entry::Vacant(place) => {
                let commit = self.graph.as_ref().and_then(|graph| graph.commit_by_id(id));
                let generation = commit.map(|commit| commit.generation()).filter(|generation| *generation > 0);
                (place.insert(Node { generation: generation.unwrap_or(FAR), reached: 0, is_waiting: false }), 0)
            }
        };
        node.reached |= from;
        if node.reached == before {
            return;
        }
        if node.is_waiting {
            self.open -= usize::from(before == FROM_TO);
        } else {
            node.is_waiting = true;
            self.open += usize::from(node.reached == FROM_TO);
            self.waiting.push((node.generation, id));
        }
    }

    /// The parents of a commit; none of one that cannot be read.
    fn parents(&self, id: ObjectId) -> Vec<ObjectId> {
        if let Some(graph) = &self.graph
            && let Some(commit) = graph.commit_by_id(id)
            && let Ok(parents) = commit.iter_parents().collect::<Result<Vec<_>, _>>()
        {
            return parents.into_iter().map(|parent| graph.id_at(parent).to_owned()).collect();
        }
        self.git.read_commit(id).map(|commit| commit.parents).unwrap_or_default()
    }
}
