//! The ids of a fact: none of them may be too long.

use super::{Discard, Ids, Reason, Subject};
use crate::fact::guardian_v2::GuardianV2Subject;
use crate::fact::{Fact, Tracking};
use crate::id::{ConnectionId, Id, RequestId};
use crate::protocol::item::Item;
use crate::protocol::notification::Notification;
use crate::protocol::request::{ClientRequest, ClientResponse};
use crate::protocol::thread::SubAgentSource;
use crate::time::UnixMillis;

/// What a fact is about.
struct About<'f> {
    subject: Subject,
    connection: Option<ConnectionId>,
    request: Option<&'f RequestId>,
    thread: Option<&'f Id>,
    turn: Option<&'f Id>,
    item: Option<&'f Id>,
    /// Another id, by which it is joined with nothing.
    other: Option<&'f Id>,
    /// The threads that it addresses, or the calls that it asks for.
    receivers: &'f [Id],
}

impl<'f> About<'f> {
    fn new(subject: Subject) -> Self {
        Self {
            subject,
            connection: None,
            request: None,
            thread: None,
            turn: None,
            item: None,
            other: None,
            receivers: &[],
        }
    }

    fn request(subject: Subject, connection: ConnectionId, request: &'f RequestId) -> Self {
        Self { connection: Some(connection), request: Some(request), ..Self::new(subject) }
    }

    fn turn(subject: Subject, thread: &'f Id, turn: &'f Id) -> Self {
        Self { thread: Some(thread), turn: Some(turn), ..Self::new(subject) }
    }

    fn item(thread: &'f Id, turn: &'f Id, item: &'f Item) -> Self {
        let about = Self { item: item.tool_id(), ..Self::turn(Subject::Item, thread, turn) };
        match item {
            Item::CollabAgentToolCall(call) => {
                Self { other: Some(&call.sender_thread_id), receivers: &call.receiver_thread_ids, ..about }
            }
            _ => about,
        }
    }

    fn tracking(subject: Subject, tracking: &'f Tracking) -> Self {
        Self { thread: Some(&tracking.thread_id), turn: tracking.turn_id.as_ref(), ..Self::new(subject) }
    }

    fn guardian_v2(subject: &'f GuardianV2Subject) -> Self {
        Self {
            item: subject.item_id.as_ref(),
            ..Self::turn(Subject::GuardianReview, &subject.thread_id, &subject.turn_id)
        }
    }

    #[expect(clippy::too_many_lines, reason = "an arm a fact")]
    fn of(fact: &'f Fact) -> Self {
        match fact {
            Fact::Initialize(_) | Fact::SourceOpened(_) => Self::new(Subject::Connection),
            Fact::ClientRequest(fact) => {
                let about = Self::request(Subject::Request, fact.connection_id, &fact.request_id);
                match &fact.request {
                    ClientRequest::TurnStart(params) => Self { thread: Some(&params.thread_id), ..about },
                    ClientRequest::TurnSteer(params) => Self {
                        subject: Subject::Steer,
                        thread: Some(&params.thread_id),
                        turn: Some(&params.expected_turn_id),
                        ..about
                    },
                }
            }
            Fact::ClientResponse(fact) => {
                let about = |subject| Self::request(subject, fact.connection_id, &fact.request_id);
                match &fact.response {
                    ClientResponse::ThreadStart(response)
                    | ClientResponse::ThreadResume(response)
                    | ClientResponse::ThreadFork(response) => {
                        let parent = response.thread.source.subagent().and_then(SubAgentSource::parent_thread_id);
                        Self { thread: Some(&response.thread.id), other: parent, ..about(Subject::Thread) }
                    }
                    ClientResponse::TurnStart(response) => {
                        Self { turn: Some(&response.turn.id), ..about(Subject::Turn) }
                    }
                    ClientResponse::TurnSteer(response) => {
                        Self { turn: Some(&response.turn_id), ..about(Subject::Steer) }
                    }
                }
            }
            Fact::ErrorResponse(fact) => Self::request(Subject::Request, fact.connection_id, &fact.request_id),
            Fact::ServerRequest(fact) => {
                let about = Self::request(Subject::Review, fact.connection_id, &fact.request_id);
                match fact.request.ids() {
                    Some((thread, turn, item)) => {
                        Self { thread: Some(thread), turn: Some(turn), item: Some(item), ..about }
                    }
                    None => about,
                }
            }
            Fact::TurnProfiled(fact) => Self::turn(Subject::Turn, &fact.thread_id, &fact.turn_id),
            Fact::TurnInterrupted(fact) => Self::turn(Subject::Turn, &fact.thread_id, &fact.turn_id),
            Fact::TurnErrorKind(fact) => Self::turn(Subject::Turn, &fact.thread_id, &fact.turn_id),
            Fact::ServerResponse(fact) => Self { request: Some(&fact.request_id), ..Self::new(Subject::Review) },
            Fact::EffectivePermissionsApprovalResponse(fact) => {
                Self { request: Some(&fact.request_id), ..Self::new(Subject::Review) }
            }
            Fact::ServerRequestAborted(fact) => Self { request: Some(&fact.request_id), ..Self::new(Subject::Review) },
            Fact::Notification(notification) => match notification {
                Notification::TurnStarted(turn) | Notification::TurnCompleted(turn) => {
                    Self::turn(Subject::Turn, &turn.thread_id, &turn.turn.id)
                }
                Notification::TurnDiffUpdated(diff) => Self::turn(Subject::Diff, &diff.thread_id, &diff.turn_id),
                Notification::ItemStarted(item) => Self::item(&item.thread_id, &item.turn_id, &item.item),
                Notification::ItemCompleted(item) => Self::item(&item.thread_id, &item.turn_id, &item.item),
                Notification::GuardianReviewCompleted(review) => Self {
                    item: review.target_item_id.as_ref(),
                    other: Some(&review.review_id),
                    ..Self::turn(Subject::Review, &review.thread_id, &review.turn_id)
                },
            },
            Fact::SubAgentThreadStarted(fact) => Self {
                thread: Some(&fact.thread_id),
                other: fact.parent_thread_id.as_ref().or_else(|| fact.subagent_source.parent_thread_id()),
                ..Self::new(Subject::Thread)
            },
            Fact::Compaction(fact) => Self::turn(Subject::Compaction, &fact.thread_id, &fact.turn_id),
            Fact::GuardianReview(fact) => Self {
                item: fact.target_item_id.as_ref(),
                other: Some(&fact.review_id),
                ..Self::turn(Subject::GuardianReview, &fact.thread_id, &fact.turn_id)
            },
            Fact::TurnResolvedConfig(fact) => Self::turn(Subject::Turn, &fact.thread_id, &fact.turn_id),
            Fact::TurnTokenUsage(fact) => Self::turn(Subject::Turn, &fact.thread_id, &fact.turn_id),
            Fact::SkillInvoked(fact) => Self::tracking(Subject::Skill, &fact.tracking),
            Fact::AppMentioned(fact) => Self::tracking(Subject::App, &fact.tracking),
            Fact::AppUsed(fact) => Self::tracking(Subject::App, &fact.tracking),
            Fact::HookRun(fact) => Self::tracking(Subject::Hook, &fact.tracking),
            Fact::PluginUsed(fact) => Self::tracking(Subject::Plugin, &fact.tracking),
            Fact::PluginStateChanged(_) | Fact::PluginInstallFailed(_) => Self::new(Subject::Plugin),
            Fact::ThreadOpened(fact) => Self {
                connection: Some(fact.connection_id),
                thread: Some(&fact.thread.id),
                other: fact
                    .parent_thread_id
                    .as_ref()
                    .or_else(|| fact.thread.source.subagent().and_then(SubAgentSource::parent_thread_id)),
                ..Self::new(Subject::Thread)
            },
            Fact::TurnSteered(fact) => Self::turn(Subject::Steer, &fact.thread_id, &fact.turn_id),
            Fact::DirectoriesNamed(fact) => Self { thread: Some(&fact.thread_id), ..Self::new(Subject::Thread) },
            Fact::RepositoryAnswered(_) | Fact::WorktreeAnswered(_) | Fact::SkillAnswered(_) => {
                Self::new(Subject::Answer)
            }
            Fact::GoalChanged(fact) => Self {
                thread: Some(&fact.thread_id),
                turn: fact.turn_id.as_ref(),
                other: Some(&fact.goal.goal_id),
                ..Self::new(Subject::Goal)
            },
            Fact::ThreadArchived(fact) => Self { thread: Some(&fact.thread_id), ..Self::new(Subject::Thread) },
            Fact::ThreadHinted(fact) => Self { thread: Some(&fact.thread_id), ..Self::new(Subject::Thread) },
            Fact::PluginInstallRequested(fact) => Self::tracking(Subject::Plugin, &fact.tracking),
            Fact::PluginMeasured(fact) => Self {
                item: Some(&fact.call.item_id),
                ..Self::turn(Subject::Plugin, &fact.call.thread_id, &fact.call.turn_id)
            },
            Fact::ArtifactOperated(fact) => {
                Self { item: Some(&fact.item_id), ..Self::tracking(Subject::Plugin, &fact.tracking) }
            }
            Fact::GuardianV2Classified(fact) => Self::guardian_v2(&fact.subject),
            Fact::GuardianV2Decided(fact) => Self::guardian_v2(&fact.subject),
            Fact::AgentImportCompleted(fact) => {
                Self { other: Some(&fact.import.import_id), ..Self::new(Subject::Import) }
            }
            Fact::AgentImportFailed(fact) => Self { other: Some(&fact.import.import_id), ..Self::new(Subject::Import) },
            Fact::ModelResponded(fact) => Self {
                other: Some(&fact.response_id),
                receivers: &fact.call_ids,
                ..Self::turn(Subject::Turn, &fact.thread_id, &fact.turn_id)
            },
            Fact::CodeCall(fact) => Self {
                item: Some(&fact.call_id),
                other: Some(&fact.cell_id),
                ..Self::turn(Subject::Item, &fact.thread_id, &fact.turn_id)
            },
            Fact::McpElicited(fact) => {
                Self { item: Some(&fact.item_id), ..Self::turn(Subject::Item, &fact.thread_id, &fact.turn_id) }
            }
        }
    }

    fn is_too_long(&self) -> bool {
        self.request.is_some_and(RequestId::is_too_long)
            || [self.thread, self.turn, self.item, self.other]
                .into_iter()
                .flatten()
                .chain(self.receivers)
                .any(Id::is_too_long)
    }
}

impl Fact {
    /// The discard of a fact with an id that is too long: by such an id nothing is told apart.
    pub(crate) fn with_long_id(&self, at: UnixMillis) -> Option<Discard> {
        let about = About::of(self);
        about.is_too_long().then(|| Discard {
            at,
            subject: about.subject,
            reason: Reason::LongId,
            ids: Ids {
                connection_id: about.connection,
                request_id: about.request.cloned(),
                thread_id: about.thread.cloned(),
                turn_id: about.turn.cloned(),
                item_id: about.item.cloned(),
            },
        })
    }
}
