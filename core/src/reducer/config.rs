//! A turn's settings as its event shows them (contract `rules.md` 9.3, 9.4).

use crate::event::turn::{
    ApprovalPolicy, ApprovalsReviewer, CollaborationMode, SandboxPolicy, ServiceTier, SubmissionType,
};
use crate::fact::turn::TurnResolvedConfig;
use crate::id::Id;
use crate::protocol::enums::{self, ModeKind, Personality, ReasoningEffort, ReasoningSummary};
use crate::protocol::policy::AskForApproval;
use crate::read::Read;
use crate::write::Write;

#[derive(Clone, Debug, Write, Read)]
pub(super) struct Config {
    pub(super) submission_type: Option<SubmissionType>,
    pub(super) ephemeral: bool,
    pub(super) model: Option<Id>,
    pub(super) model_provider: Id,
    pub(super) sandbox_policy: Option<SandboxPolicy>,
    pub(super) reasoning_effort: Option<ReasoningEffort>,
    pub(super) reasoning_summary: Option<ReasoningSummary>,
    pub(super) service_tier: ServiceTier,
    pub(super) approval_policy: Option<ApprovalPolicy>,
    pub(super) approvals_reviewer: ApprovalsReviewer,
    pub(super) sandbox_network_access: bool,
    pub(super) collaboration_mode: CollaborationMode,
    pub(super) personality: Option<Personality>,
    pub(super) is_first_turn: bool,
}

impl Config {
    /// Maps a fact's settings; what they say of paths ends here.
    pub(super) fn new(fact: &TurnResolvedConfig) -> Self {
        let profile = fact.permission_profile.as_ref();
        Self {
            submission_type: fact.submission_type,
            ephemeral: fact.ephemeral,
            model: fact.model.clone(),
            model_provider: fact.model_provider.clone(),
            sandbox_policy: profile
                .map(|profile| profile.sandbox_policy(fact.permission_profile_cwd.as_ref(), &fact.special_folders)),
            reasoning_effort: fact.reasoning_effort.filter(|effort| *effort != ReasoningEffort::Unknown),
            reasoning_summary: fact
                .reasoning_summary
                .filter(|summary| !matches!(summary, ReasoningSummary::None | ReasoningSummary::Unknown)),
            service_tier: match fact.service_tier {
                Some(enums::ServiceTier::Fast) => ServiceTier::Fast,
                Some(enums::ServiceTier::Flex) => ServiceTier::Flex,
                Some(enums::ServiceTier::Other) | None => ServiceTier::Default,
            },
            approval_policy: match fact.approval_policy {
                AskForApproval::Untrusted => Some(ApprovalPolicy::Untrusted),
                AskForApproval::OnFailure => Some(ApprovalPolicy::OnFailure),
                AskForApproval::OnRequest => Some(ApprovalPolicy::OnRequest),
                AskForApproval::Granular => Some(ApprovalPolicy::Granular),
                AskForApproval::Never => Some(ApprovalPolicy::Never),
                AskForApproval::Unknown => None,
            },
            approvals_reviewer: match fact.approvals_reviewer {
                enums::ApprovalsReviewer::GuardianSubagent => ApprovalsReviewer::GuardianSubagent,
                enums::ApprovalsReviewer::User | enums::ApprovalsReviewer::Unknown => ApprovalsReviewer::User,
            },
            sandbox_network_access: fact.sandbox_network_access,
            collaboration_mode: match fact.collaboration_mode {
                ModeKind::Plan => CollaborationMode::Plan,
                ModeKind::Default | ModeKind::Unknown => CollaborationMode::Default,
            },
            personality: fact
                .personality
                .filter(|personality| !matches!(personality, Personality::None | Personality::Unknown)),
            is_first_turn: fact.is_first_turn,
        }
    }
}
