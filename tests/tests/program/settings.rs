//! Settings: flags over the environment over the file over defaults.

use std::fs;

use turnledger_tests::program::{command, run_in, stderr, stdout};

/// The lines that `turnledger config` prints, without the spaces that align them.
fn config(home: &std::path::Path, variables: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let output = command(home).arg("config").args(arguments).envs(variables.iter().copied()).output().expect("it runs");
    assert_eq!((stderr(&output), output.status.code()), (String::new(), Some(0)));
    stdout(&output).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn each_value_has_its_origin() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/turnledger");
    let file = folder.join("turnledger.toml");
    let (path, folder_path, home_path) = (file.display(), folder.display(), home.path().display());
    assert_eq!(
        config(home.path(), &[], &[]),
        [
            format!("# {path} (not there)"),
            "# enabled = true # default".into(),
            "# key_file = \"none\" # default".into(),
            "# upload = \"none\" # default".into(),
            "# auth = \"none\" # default".into(),
            "# token_file = \"none\" # default".into(),
            "# certificates = \"none\" # default".into(),
            "# timeout_seconds = 10 # default".into(),
            "# batch_events = 100 # default".into(),
            "# batch_bytes = 1048576 # default".into(),
            "# batch_seconds = 5 # default".into(),
            format!("# spool = \"{home_path}/.local/state/turnledger/spool\" # default"),
            "# spool_bytes = 268435456 # default".into(),
            "# spool_days = 30 # default".into(),
            format!("# store = \"{home_path}/.local/state/turnledger/events.db\" # default"),
            "# otlp = \"none\" # default".into(),
            "# otlp_protocol = \"http/protobuf\" # default".into(),
        ]
    );

    fs::create_dir_all(&folder).expect("a folder");
    let text = "# of the team\nupload = \"https://a.test\"\nauth = \"~/.codex/auth.json\"\ncertificates = \"ca.pem\"\n\
                batch_events = 7\nbatch_bytes = 1_000\nspool = \"none\"\nstore = \"all.db\"\n";
    fs::write(&file, text).expect("a file");
    let variables =
        [("TURNLEDGER_UPLOAD", "https://b.test"), ("TURNLEDGER_BATCH_EVENTS", "8"), ("TURNLEDGER_AUTH", "")];
    let here = home.path().join("here.db").display().to_string();
    let flags = ["--batch-events", "9", "--spool", &here];
    let in_force = [
        format!("# {path}"),
        "# enabled = true # default".into(),
        "# key_file = \"none\" # default".into(),
        "upload = \"https://b.test\" # TURNLEDGER_UPLOAD".into(),
        format!("auth = \"{home_path}/.codex/auth.json\" # {path}:3"),
        "# token_file = \"none\" # default".into(),
        format!("certificates = \"{folder_path}/ca.pem\" # {path}:4"),
        "# timeout_seconds = 10 # default".into(),
        "batch_events = 9 # --batch-events".into(),
        format!("batch_bytes = 1000 # {path}:6"),
        "# batch_seconds = 5 # default".into(),
        format!("spool = \"{home_path}/here.db\" # --spool"),
        "# spool_bytes = 268435456 # default".into(),
        "# spool_days = 30 # default".into(),
        format!("store = \"{folder_path}/all.db\" # {path}:8"),
        "# otlp = \"none\" # default".into(),
        "# otlp_protocol = \"http/protobuf\" # default".into(),
    ];
    assert_eq!(config(home.path(), &variables, &flags), in_force);

    // What is printed is a file of settings.
    let printed = home.path().join("printed.toml");
    fs::write(&printed, config(home.path(), &variables, &flags).join("\n")).expect("a file");
    let again = config(home.path(), &[("TURNLEDGER_CONFIG", &printed.display().to_string())], &[]);
    let values = |lines: &[String]| -> Vec<String> {
        lines[1..].iter().filter_map(|line| Some(line.rsplit_once(" # ")?.0.to_owned())).collect()
    };
    assert_eq!(values(&again), values(&in_force));
}

#[test]
fn whoever_says_no_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    for name in ["DO_NOT_TRACK", "TURNLEDGER_DISABLED"] {
        assert_eq!(config(home.path(), &[(name, "1")], &[])[1], format!("enabled = false # {name}"));
        assert_eq!(config(home.path(), &[(name, "0")], &[])[1], "# enabled = true # default");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("settings.toml").display().to_string();
    let said = |text: &str, variables: &[(&str, &str)], arguments: &[&str]| {
        fs::write(&file, text).expect("a file");
        let mut command = command(home.path());
        let output = command
            .args(["config", "--config", &file])
            .args(arguments)
            .envs(variables.iter().copied())
            .output()
            .expect("it runs");
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
        stderr(&output)
    };
    let names = "enabled, key_file, upload, auth, token_file, certificates, timeout_seconds, batch_events, \
                 batch_bytes, batch_seconds, spool, spool_bytes, spool_days, store, otlp, otlp_protocol";
    assert_eq!(
        said("\nuplod = 1\n", &[], &[]),
        format!("turnledger: {file}:2: unknown setting; known are {names}, and the table [policy]\n")
    );
    assert_eq!(said("enabled = 3\n", &[], &[]), format!("turnledger: {file}:1: enabled: expected true or false\n"));
    assert_eq!(
        said("upload = [\"x\"]\n", &[], &[]),
        format!("turnledger: {file}:1: upload: expected a string, a number, true or false\n")
    );
    assert_eq!(
        said("spool_days = 0x10\n", &[], &[]),
        format!("turnledger: {file}:1: spool_days: expected a decimal number\n")
    );
    assert_eq!(
        said("", &[("TURNLEDGER_SPOOL_DAYS", "many")], &[]),
        "turnledger: TURNLEDGER_SPOOL_DAYS: expected a whole number, 1 or more\n"
    );
    assert_eq!(
        said("", &[], &["--timeout-seconds", "0"]),
        "turnledger: --timeout-seconds: expected a whole number, 1 or more\n"
    );
    assert_eq!(
        said("upload = \"ftp://host\"\n", &[], &[]),
        format!("turnledger: {file}:1: cannot send to this server: expected https:// and a host\n")
    );
    let output = run_in(home.path(), &["config", "--config", "/no/such/file"], b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output), "turnledger: cannot read /no/such/file: No such file or directory (os error 2)\n");
}

/// `--help` has the whole text of a command, and not its first line alone.
#[test]
fn help_is_whole() {
    let home = tempfile::tempdir().expect("a folder");
    for (command, word) in [
        ("replay", "`client_to_server`"),
        ("preview", "terminal"),
        ("attribute", "squash,"),
        ("fingerprint", "unified"),
        ("tap", "126"),
        ("upload", "`Idempotency-Key`"),
        ("config", "`TURNLEDGER_SPOOL_DAYS`"),
        ("doctor", "changes nothing"),
        ("completions", "bash-completion"),
        ("man", "man1`"),
    ] {
        let [short, long] = ["-h", "--help"].map(|flag| stdout(&run_in(home.path(), &[command, flag], b"")));
        assert!(long.contains(word) && !short.contains(word), "{command}: {long}");
    }
}

#[test]
fn completions_and_a_manual() {
    let home = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&run_in(home.path(), &["completions", shell], b""));
        assert!(script.contains("turnledger") && script.contains("websocket"), "{shell}");
    }
    let manual = stdout(&run_in(home.path(), &["man"], b""));
    assert!(manual.contains(".TH turnledger 1"), "{manual}");
    let folder = home.path().join("man1");
    let output = run_in(home.path(), &["man", "--output", &folder.display().to_string()], b"");
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    for page in ["turnledger.1", "turnledger-tap.1", "turnledger-spool-clear.1"] {
        assert!(folder.join(page).exists(), "{page}");
    }
}
