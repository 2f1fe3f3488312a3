//! A turn's settings as its event shows them (`docs/contract/rules.md` 9.3, 9.4).

use crate::event::turn::{
    ApprovalPolicy, ApprovalsReviewer, CollaborationMode, SandboxPolicy, ServiceTier, SubmissionType,
};
use crate::fact::turn::TurnResolvedConfig;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::Known;
use crate::protocol::enums::{self, ModeKind, Personality, ReasoningEffort, ReasoningSummary};
use crate::protocol::policy::AskForApproval;

/// A turn's settings.
#[derive(Clone, Debug, Write, Read)]
pub(crate) struct Config {
    pub(crate) submission_type: Option<SubmissionType>,
    pub(crate) ephemeral: bool,
    pub(crate) model: Option<Id>,
    pub(crate) model_provider: Id,
    pub(crate) sandbox_policy: Option<SandboxPolicy>,
    pub(crate) reasoning_effort: Known<ReasoningEffort>,
    pub(crate) reasoning_summary: Known<ReasoningSummary>,
    pub(crate) service_tier: ServiceTier,
    pub(crate) approval_policy: Option<ApprovalPolicy>,
    pub(crate) approvals_reviewer: ApprovalsReviewer,
    pub(crate) sandbox_network_access: bool,
    pub(crate) collaboration_mode: CollaborationMode,
    pub(crate) personality: Known<Personality>,
    pub(crate) is_first_turn: bool,
}

impl Config {
    /// Maps a fact's settings, and drops their paths.
    pub(crate) fn new(fact: &TurnResolvedConfig) -> Self {
        let profile = fact.permission_profile.as_ref();
        Self {
            submission_type: fact.submission_type,
            ephemeral: fact.ephemeral,
            model: fact.model.clone(),
            model_provider: fact.model_provider.clone(),
            sandbox_policy: profile
                .map(|profile| profile.sandbox_policy(fact.permission_profile_cwd.as_ref(), &fact.special_folders)),
            reasoning_effort: fact.reasoning_effort.into(),
            reasoning_summary: fact.reasoning_summary.filter(|summary| *summary != ReasoningSummary::None).into(),
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
            personality: fact.personality.filter(|personality| *personality != Personality::None).into(),
            is_first_turn: fact.is_first_turn,
        }
    }
}
