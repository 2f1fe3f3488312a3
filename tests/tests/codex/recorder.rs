//! The recorder, with the real Codex: what it stores can be compared, and says nothing of the machine.

use std::fs;

use serde_json::Value;
use turnledger_tests::codex::{Version, is_installed};
use turnledger_tests::golden::VERSIONS;
use turnledger_tests::record::parity::Parity;
use turnledger_tests::record::{Codex, all, record};

#[test]
fn a_scenario_is_recorded() {
    for version in [Version::Contract, Version::Newest] {
        if !is_installed(version) {
            continue;
        }
        let number = VERSIONS[version as usize];
        let codex = Codex::new(number).expect("it is installed");
        let scenario =
            all().into_iter().find(|scenario| scenario.name == "approve_patch_decline").expect("it is there");
        // Codex does not upload all that a session is worth every time.
        let parity = (0..3).map(|_| {
            let out = tempfile::tempdir().expect("a folder");
            record(&codex, &scenario, &out.path().join(number)).expect("a recording");
            let folder = out.path().join(number).join(scenario.name);
            let mut files: Vec<_> = fs::read_dir(folder.join("rollouts"))
                .expect("rollouts")
                .map(|file| file.expect("a file").path())
                .collect();
            assert_eq!(files.len(), 1, "{files:?}");
            files.extend(["traffic.jsonl", "uploads.json"].map(|name| folder.join(name)));
            for file in files {
                let text = fs::read_to_string(&file).expect("text");
                let private = [std::env::temp_dir().display().to_string() + "/", env!("CARGO_MANIFEST_DIR").into()];
                assert!(private.iter().all(|path| !text.contains(path)), "{}: {text}", file.display());
                assert!(text.lines().count() > 5, "{}: {text}", file.display());
            }
            Parity::of(&out.path().join(number)).expect("a recording")
        });
        let parity = parity.into_iter().find(|parity| parity.comparison.total().real == 4).expect("four events");
        let total = parity.comparison.total();
        assert_eq!((total.matched, total.extra), (4, 0));
        assert_eq!(parity.comparison.differences, [""; 0]);
        let traffic: Vec<Value> =
            parity.recordings[0].traffic.lines().map(|line| serde_json::from_str(line).expect("a message")).collect();
        let cwd = traffic.iter().find_map(|line| line["message"]["params"]["cwd"].as_str());
        assert_eq!(cwd, Some("/workspace/demo"));
    }
}
