use super::{
    ApprovalsReviewer, ItemStatus, ModeKind, NetworkProtocol, ReasoningEffort, ServiceTier, UserAuthorization,
};
use crate::event::common::RpcTransport;
use crate::event::compaction::CompactionImplementation;
use crate::protocol::UnknownWord;

#[test]
fn spellings_and_aliases() {
    let parse = |json: &str| crate::json::read::from_str::<ApprovalsReviewer>(json).unwrap();
    assert_eq!(parse("\"auto_review\""), ApprovalsReviewer::GuardianSubagent);
    assert_eq!(parse("\"guardian_subagent\""), ApprovalsReviewer::GuardianSubagent);
    assert_eq!(parse("\"someone\""), ApprovalsReviewer::Unknown);
    assert_eq!(crate::json::read::from_str::<NetworkProtocol>("\"socks5Tcp\"").unwrap(), NetworkProtocol::Socks5Tcp);
    assert_eq!(crate::json::read::from_str::<ItemStatus>("\"inProgress\"").unwrap(), ItemStatus::InProgress);
    assert_eq!(crate::json::read::from_str::<ReasoningEffort>("\"xhigh\"").unwrap(), ReasoningEffort::Xhigh);
    assert_eq!(crate::json::read::from_str::<ModeKind>("\"pair_programming\"").unwrap(), ModeKind::Unknown);
    for (json, tier) in [
        ("\"fast\"", ServiceTier::Fast),
        ("\"priority\"", ServiceTier::Fast),
        ("\"flex\"", ServiceTier::Flex),
        ("\"x\"", ServiceTier::Other),
    ] {
        assert_eq!(crate::json::read::from_str::<ServiceTier>(json).unwrap(), tier, "{json}");
        assert_eq!(ServiceTier::from(json.trim_matches('"')), tier, "{json}");
    }
}

/// A word alone makes what the message with the word makes.
#[test]
fn values_are_made_of_their_words() {
    assert_eq!(ApprovalsReviewer::from("auto_review"), ApprovalsReviewer::GuardianSubagent);
    assert_eq!(ApprovalsReviewer::from("guardian_subagent"), ApprovalsReviewer::GuardianSubagent);
    assert_eq!(ItemStatus::from("inProgress"), ItemStatus::InProgress);
    assert_eq!(ItemStatus::from("in_progress"), ItemStatus::Unknown);
    assert_eq!(NetworkProtocol::from("socks5Udp"), NetworkProtocol::Socks5Udp);
    assert_eq!(UserAuthorization::from("unknown"), UserAuthorization::Unknown);
    assert_eq!(UserAuthorization::from("newer"), UserAuthorization::Unrecognised);
    assert_eq!(ReasoningEffort::from(""), ReasoningEffort::default());
    assert_eq!("in_process".parse(), Ok(RpcTransport::InProcess));
    assert_eq!("responses_compaction_v2".parse(), Ok(CompactionImplementation::ResponsesCompactionV2));
    assert_eq!("inProcess".parse::<RpcTransport>(), Err(UnknownWord));
}
