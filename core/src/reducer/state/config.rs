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
    pub(crate) model_provider: Option<Id>,
    pub(crate) sandbox_policy: Option<SandboxPolicy>,
    pub(crate) reasoning_effort: Known<ReasoningEffort>,
    pub(crate) reasoning_summary: Known<ReasoningSummary>,
    pub(crate) service_tier: Option<ServiceTier>,
    pub(crate) approval_policy: Option<ApprovalPolicy>,
    pub(crate) approvals_reviewer: Option<ApprovalsReviewer>,
    pub(crate) sandbox_network_access: Option<bool>,
    pub(crate) collaboration_mode: Option<CollaborationMode>,
    pub(crate) personality: Known<Personality>,
    pub(crate) is_first_turn: bool,
}

impl Config {
    /// Maps a fact's settings, and drops their paths. A setting that is not known is the contract's default, but null if
    /// the fact is of a file (`is_of_file`).
    pub(crate) fn new(fact: &TurnResolvedConfig, is_of_file: bool) -> Self {
        let profile = fact.permission_profile.as_ref();
        let unless_of_file = |is_known| is_known || !is_of_file;
        Self {
            submission_type: fact.submission_type,
            ephemeral: fact.ephemeral,
            model: fact.model.clone(),
            model_provider: unless_of_file(!fact.model_provider.is_empty()).then(|| fact.model_provider.clone()),
            sandbox_policy: profile
                .map(|profile| profile.sandbox_policy(fact.permission_profile_cwd.as_ref(), &fact.special_folders)),
            reasoning_effort: fact.reasoning_effort.into(),
            reasoning_summary: fact.reasoning_summary.filter(|summary| *summary != ReasoningSummary::None).into(),
            service_tier: match fact.service_tier {
                Some(enums::ServiceTier::Fast) => Some(ServiceTier::Fast),
                Some(enums::ServiceTier::Flex) => Some(ServiceTier::Flex),
                tier => unless_of_file(tier.is_some()).then_some(ServiceTier::Default),
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
                enums::ApprovalsReviewer::GuardianSubagent => Some(ApprovalsReviewer::GuardianSubagent),
                enums::ApprovalsReviewer::User => Some(ApprovalsReviewer::User),
                enums::ApprovalsReviewer::Unknown => unless_of_file(false).then_some(ApprovalsReviewer::User),
            },
            sandbox_network_access: unless_of_file(profile.is_some()).then_some(fact.sandbox_network_access),
            collaboration_mode: match fact.collaboration_mode {
                ModeKind::Plan => Some(CollaborationMode::Plan),
                ModeKind::Default => Some(CollaborationMode::Default),
                ModeKind::Unknown => unless_of_file(false).then_some(CollaborationMode::Default),
            },
            personality: fact.personality.filter(|personality| *personality != Personality::None).into(),
            is_first_turn: fact.is_first_turn,
        }
    }
}
