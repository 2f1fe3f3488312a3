//! A thread's settings: filled by the thread's response, changed by each turn that starts
//! (`docs/contract/derived.md` 3).

use alloc::vec;

use crate::fact::permission::{
    Access, FileSystemEntry, FileSystemPath, FileSystemProfile, PermissionProfile, SpecialFolders,
};
use crate::fact::turn::TurnResolvedConfig;
use crate::id::Id;
use crate::json::read::Read;
use crate::json::write::Write;
use crate::protocol::enums::{
    ApprovalsReviewer, ModeKind, Personality, ReasoningEffort, ReasoningSummary, ServiceTier,
};
use crate::protocol::policy::{AskForApproval, ExternalNetwork, SandboxPolicy};
use crate::protocol::thread::ThreadResponse;
use crate::protocol::turn::{CollaborationMode, PermissionProfileId, ThreadSettings, TurnStartParams, present};

/// A thread's settings.
#[derive(Clone, Debug, Default, PartialEq, Write, Read)]
pub(crate) struct Settings {
    pub(crate) model: Option<Id>,
    model_provider: Id,
    ephemeral: bool,
    sandbox: Option<SandboxPolicy>,
    pub(crate) effort: Option<ReasoningEffort>,
    summary: Option<ReasoningSummary>,
    service_tier: Option<ServiceTier>,
    approval_policy: Option<AskForApproval>,
    approvals_reviewer: Option<ApprovalsReviewer>,
    mode: Option<ModeKind>,
    personality: Option<Personality>,
}

/// What a `turn/start` changes, for its turn and later ones.
#[derive(Clone, Debug, Default, Write, Read)]
pub(crate) struct Overrides {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[json(read_with = "present")]
    sandbox: Option<Option<SandboxPolicy>>,
    model: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[json(read_with = "present")]
    effort: Option<Option<ReasoningEffort>>,
    summary: Option<ReasoningSummary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[json(read_with = "present")]
    service_tier: Option<Option<ServiceTier>>,
    approval_policy: Option<AskForApproval>,
    approvals_reviewer: Option<ApprovalsReviewer>,
    mode: Option<ModeKind>,
    personality: Option<Personality>,
}

impl Overrides {
    pub(crate) fn new(params: &TurnStartParams) -> Self {
        let mut overrides = Self {
            sandbox: params.sandbox_policy.map(Some).or_else(|| params.permissions.map(of_profile)),
            model: params.model.clone(),
            effort: params.effort.map(Some),
            summary: params.summary,
            service_tier: params.service_tier,
            approval_policy: params.approval_policy,
            approvals_reviewer: params.approvals_reviewer,
            mode: None,
            personality: params.personality,
        };
        if let Some(CollaborationMode { mode, settings }) = &params.collaboration_mode {
            overrides.mode = Some(*mode);
            if let Some(settings) = settings {
                overrides.model = Some(settings.model.clone());
                overrides.effort = Some(settings.reasoning_effort);
            }
        }
        overrides
    }
}

/// Changes a setting if there is a change.
fn set<T>(setting: &mut Option<T>, change: Option<T>) {
    if change.is_some() {
        *setting = change;
    }
}

/// The policy of a built-in profile. Messages do not describe a user's own profile.
fn of_profile(profile: PermissionProfileId) -> Option<SandboxPolicy> {
    match profile {
        PermissionProfileId::DangerFullAccess => Some(SandboxPolicy::DangerFullAccess),
        PermissionProfileId::Workspace => Some(SandboxPolicy::WorkspaceWrite { network_access: false }),
        PermissionProfileId::ReadOnly => Some(SandboxPolicy::ReadOnly { network_access: false }),
        PermissionProfileId::Custom => None,
    }
}

impl Settings {
    /// The settings of a thread that a client opened. What the response does not say stays as the
    /// request or the thread's earlier life has it.
    pub(crate) fn open(&mut self, response: &ThreadResponse, personality: Option<Personality>) {
        self.model = Some(response.model.clone());
        self.model_provider = response.model_provider.clone().unwrap_or_default();
        self.ephemeral = response.thread.ephemeral;
        self.sandbox = response.sandbox;
        self.effort = response.reasoning_effort;
        self.service_tier = response.service_tier;
        self.approval_policy = response.approval_policy;
        self.approvals_reviewer = response.approvals_reviewer;
        self.mode = response.collaboration_mode.as_ref().map(|mode| mode.mode).or(self.mode);
        self.personality = personality.or(self.personality);
    }

    /// The settings of a thread that another one spawned.
    pub(crate) fn spawn(&self, model: Option<Id>, effort: Option<ReasoningEffort>, ephemeral: bool) -> Self {
        Self { model: model.or_else(|| self.model.clone()), effort: effort.or(self.effort), ephemeral, ..self.clone() }
    }

    pub(crate) fn apply(&mut self, overrides: Overrides) {
        if let Some(sandbox) = overrides.sandbox {
            self.sandbox = sandbox;
        }
        if let Some(effort) = overrides.effort {
            self.effort = effort;
        }
        if let Some(tier) = overrides.service_tier {
            self.service_tier = tier;
        }
        set(&mut self.model, overrides.model);
        set(&mut self.summary, overrides.summary);
        set(&mut self.approval_policy, overrides.approval_policy);
        set(&mut self.approvals_reviewer, overrides.approvals_reviewer);
        set(&mut self.mode, overrides.mode);
        set(&mut self.personality, overrides.personality);
    }

    /// The whole settings, as newer servers show them on a change.
    pub(crate) fn replace(&mut self, settings: ThreadSettings) {
        let ThreadSettings { model, model_provider, service_tier, effort, summary, personality, .. } = settings;
        set(&mut self.model, model);
        if let Some(provider) = model_provider {
            self.model_provider = provider;
        }
        self.service_tier = service_tier;
        self.effort = effort;
        self.summary = summary;
        self.personality = personality;
        set(&mut self.approval_policy, settings.approval_policy);
        set(&mut self.approvals_reviewer, settings.approvals_reviewer);
        set(&mut self.sandbox, settings.sandbox_policy);
        set(&mut self.mode, settings.collaboration_mode.map(|mode| mode.mode));
    }

    /// Whether commands run without a sandbox of the server's own.
    pub(crate) fn has_full_access(&self) -> bool {
        self.sandbox == Some(SandboxPolicy::DangerFullAccess)
    }

    /// The provider of the thread's model.
    pub(crate) fn model_provider(&self) -> Option<Id> {
        Some(self.model_provider.clone()).filter(|provider| !provider.is_empty())
    }

    /// The fact that a turn's settings were resolved to these.
    pub(crate) fn resolved(
        &self,
        thread_id: Id,
        turn_id: Id,
        num_input_images: u64,
        is_first_turn: bool,
    ) -> TurnResolvedConfig {
        TurnResolvedConfig {
            turn_id,
            thread_id,
            num_input_images,
            submission_type: None,
            ephemeral: self.ephemeral,
            model: self.model.clone(),
            model_provider: self.model_provider.clone(),
            permission_profile: self.sandbox.and_then(profile),
            permission_profile_cwd: None,
            special_folders: SpecialFolders::default(),
            reasoning_effort: self.effort,
            reasoning_summary: self.summary,
            service_tier: self.service_tier,
            approval_policy: self.approval_policy.unwrap_or(AskForApproval::Unknown),
            approvals_reviewer: self.approvals_reviewer.unwrap_or(ApprovalsReviewer::User),
            sandbox_network_access: self.sandbox.and_then(SandboxPolicy::network_access).unwrap_or(false),
            collaboration_mode: self.mode.unwrap_or(ModeKind::Default),
            personality: self.personality,
            is_first_turn,
            ..TurnResolvedConfig::default()
        }
    }
}

/// The profile behind the message's policy; `None` if the policy is unknown.
pub(crate) fn profile(policy: SandboxPolicy) -> Option<PermissionProfile> {
    let managed = |writable, network_enabled| {
        let entry = |path, access| FileSystemEntry { path, access };
        let mut entries = vec![entry(FileSystemPath::Root, Access::Read)];
        if writable {
            entries.push(entry(FileSystemPath::ProjectRoots { subpath: None }, Access::Write));
        }
        Some(PermissionProfile::Managed { file_system: FileSystemProfile::Restricted { entries }, network_enabled })
    };
    match policy {
        SandboxPolicy::DangerFullAccess => Some(PermissionProfile::Disabled),
        SandboxPolicy::ExternalSandbox { network_access } => {
            Some(PermissionProfile::External { network_enabled: network_access == ExternalNetwork::Enabled })
        }
        SandboxPolicy::ReadOnly { network_access } => managed(false, network_access),
        SandboxPolicy::WorkspaceWrite { network_access } => managed(true, network_access),
        SandboxPolicy::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::profile;
    use crate::protocol::policy::SandboxPolicy;

    #[test]
    fn policies_as_profiles() {
        for (policy, expected) in [
            (r#"{"type":"dangerFullAccess"}"#, r#""disabled""#),
            (r#"{"type":"externalSandbox","networkAccess":"enabled"}"#, r#"{"external":{"network_enabled":true}}"#),
            (r#"{"type":"externalSandbox","networkAccess":"restricted"}"#, r#"{"external":{"network_enabled":false}}"#),
            (
                r#"{"type":"readOnly","networkAccess":true}"#,
                r#"{"managed":{"file_system":{"restricted":{"entries":[{"path":"root","access":"read"}]}},"network_enabled":true}}"#,
            ),
            (
                r#"{"type":"workspaceWrite","networkAccess":false}"#,
                r#"{"managed":{"file_system":{"restricted":{"entries":[{"path":"root","access":"read"},{"path":{"project_roots":{"subpath":null}},"access":"write"}]}},"network_enabled":false}}"#,
            ),
            (r#"{"type":"newer"}"#, "null"),
        ] {
            let wire: SandboxPolicy = crate::json::read::from_str(policy).unwrap();
            assert_eq!(crate::json::write::to_string(&profile(wire)), expected, "{policy}");
        }
    }
}
