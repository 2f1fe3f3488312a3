//! `skill_invocation` (`docs/contract/rules.md` 10).
//!
//! A skill's id is a hash of its place, which only the host knows. The event waits for the answer, or for
//! the end of its turn, and then goes out with what is known.

use alloc::boxed::Box;
use alloc::string::String;

use super::Reducer;
use super::state::ParkedSkill;
use crate::digest::{Digest, DigestValue};
use crate::discard::{Ids, Reason, Subject};
use crate::event::Event;
use crate::event::common::VoiceSession;
use crate::event::plugin::RemotePlugin;
use crate::event::since::REMOTE_PLUGIN_OF_SKILLS;
use crate::event::skill::{SkillInvocation, SkillInvocationParams, SkillRepository};
use crate::fact::answer::SkillAnswered;
use crate::fact::skill::SkillInvoked;
use crate::git_remote;
use crate::id::{Id, MAX_NAME_BYTES};
use crate::output::Output;
use crate::question::{Question, QuestionKind};

/// Where a skill lies, as its event shows it.
pub(super) struct Place {
    skill_id: DigestValue,
    repo_url: Option<Id>,
}

impl<D: Digest> Reducer<D> {
    pub(super) fn skills_invoked(&mut self, fact: SkillInvoked, output: &mut Output) {
        for mut skill in fact.invocations {
            let path = skill.skill_path.take();
            let workspace = skill.workspace.take();
            let parked = ParkedSkill { tracking: fact.tracking.clone(), skill };
            let Some(path) = path else {
                let of_resource = |id: &Id| Place { skill_id: self.digest.sha1(&[id.as_bytes()]), repo_url: None };
                let place = parked.skill.resource_id.as_ref().map(of_resource);
                self.emit_skill(parked, place, output);
                continue;
            };
            let id = self.state.ask();
            output.questions.push(Question { id, kind: QuestionKind::Skill { path, workspace } });
            if let Some((_, evicted)) = self.state.skills.insert(self.state.now, id, parked) {
                self.emit_skill(evicted, None, output);
            }
        }
    }

    pub(super) fn skill_answered(&mut self, fact: &SkillAnswered, output: &mut Output) {
        let Some((_, parked)) = self.state.skills.remove(&fact.question) else {
            output.discard(self.state.at, Subject::Answer, Reason::UnknownQuestion, Ids::default());
            return;
        };
        let place = place(&self.digest, &parked.skill.skill_name, fact);
        self.emit_skill(parked, Some(place), output);
    }

    /// The turn ends: its skills wait no longer.
    pub(super) fn finish_skills_of_turn(&mut self, thread_id: &Id, turn_id: &Id, output: &mut Output) {
        if self.state.skills.len() == 0 {
            return;
        }
        let of_turn = |_: &_, parked: &ParkedSkill| {
            parked.tracking.thread_id == *thread_id && parked.tracking.turn_id.as_ref() == Some(turn_id)
        };
        for (_, parked) in self.state.skills.take_where(of_turn) {
            self.emit_skill(parked, None, output);
        }
    }

    pub(super) fn finish_skills(&mut self, output: &mut Output) {
        for (_, parked) in self.state.skills.take_where(|_, _| true) {
            self.emit_skill(parked, None, output);
        }
    }

    pub(super) fn emit_skill(&mut self, parked: ParkedSkill, place: Option<Place>, output: &mut Output) {
        let ParkedSkill { tracking, skill } = parked;
        let dialect = self.state.dialect(&tracking.thread_id);
        let (skill_id, repo_url) = place.map_or((None, None), |place| (Some(place.skill_id), place.repo_url));
        output.events.push(Event::SkillInvocation(Box::new(SkillInvocation {
            skill_id,
            skill_name: skill.skill_name,
            params: SkillInvocationParams {
                product_client_id: self.state.product_of(&tracking),
                skill_scope: skill.skill_scope.into(),
                plugin_id: skill.plugin_id,
                remote_plugin: dialect.members_since(REMOTE_PLUGIN_OF_SKILLS, || RemotePlugin {
                    remote_plugin_id: skill.remote_plugin_id,
                }),
                repository: dialect.skill_repository(|| SkillRepository { repo_url }),
                thread_id: tracking.thread_id,
                turn_id: tracking.turn_id.unwrap_or_default(),
                voice: dialect.members(VoiceSession::default),
                invoke_type: skill.invocation_type,
                model_slug: tracking.model_slug,
            },
        })));
    }
}

/// Hashes a skill's place. Its path is then dropped.
fn place(digest: &impl Digest, name: &Id, answer: &SkillAnswered) -> Place {
    let path = answer.skill_path.expose();
    let repository = answer.remote_url.as_ref().zip(answer.repository_root.as_ref());
    let (prefix, path_text) = match &repository {
        Some((url, root)) => (alloc::format!("repo_{}", url.expose()), below(root.expose(), path)),
        None => (String::from("personal"), path),
    };
    let path_text = path_text.replace('\\', "/");
    let skill_id = digest.sha1(&[prefix.as_bytes(), b"_", path_text.as_bytes(), b"_", name.as_bytes()]);
    let repo_url = repository.and_then(|(url, _)| git_remote::reportable(url.expose()));
    // A URL that was cut short would lead elsewhere.
    let repo_url = repo_url.filter(|url| url.len() <= MAX_NAME_BYTES).map(|url| Id::from(&*url));
    Place { skill_id, repo_url }
}

/// The part of `path` below `root`, or the whole path if it is not below it.
fn below<'a>(root: &str, path: &'a str) -> &'a str {
    let is_separator = |c| matches!(c, '/' | '\\');
    match path.strip_prefix(root.trim_end_matches(is_separator)) {
        Some(rest) if rest.starts_with(is_separator) => rest.trim_start_matches(is_separator),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{below, place};
    use crate::digest::Sha2;
    use crate::fact::answer::SkillAnswered;
    use crate::question::QuestionId;

    fn answer(path: &str, root: Option<&str>, url: Option<&str>) -> SkillAnswered {
        SkillAnswered {
            question: QuestionId(0),
            skill_path: path.into(),
            repository_root: root.map(Into::into),
            remote_url: url.map(Into::into),
        }
    }

    /// The rows of the table in `docs/contract/rules.md` 10, and a repository without a remote.
    #[test]
    fn ids() {
        let id = |answer| place(&Sha2::default(), &"doc".into(), &answer);
        let personal = id(answer("/home/u/.codex/skills/doc/SKILL.md", None, None));
        assert_eq!(personal.skill_id.to_string(), "522d9cb8ae83f28194b9f93023914a704ec629cf");
        assert_eq!(personal.repo_url, None);

        let url = "https://github.com/acme/widget.git";
        let of_repository = id(answer("/w/.codex/skills/doc/SKILL.md", Some("/w"), Some(url)));
        assert_eq!(of_repository.skill_id.to_string(), "932514eac075f8bea7e261d36a10d2a7fed8def0");
        assert_eq!(of_repository.repo_url, Some(url.into()));

        let without_remote = id(answer("/home/u/.codex/skills/doc/SKILL.md", Some("/home/u"), None));
        assert_eq!(without_remote.skill_id, personal.skill_id);
        let windows = id(answer("C:\\w\\.codex\\skills\\doc\\SKILL.md", Some("C:\\w"), Some(url)));
        assert_eq!(windows.skill_id, of_repository.skill_id);
    }

    #[test]
    fn paths_below_a_root() {
        for (root, path, expected) in
            [("/w", "/w/a", "a"), ("/w/", "/w/a", "a"), ("/w", "/wide/a", "/wide/a"), ("/x", "/w/a", "/w/a")]
        {
            assert_eq!(below(root, path), expected);
        }
    }
}
