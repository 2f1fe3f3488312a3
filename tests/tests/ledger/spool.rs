//! Spools on disks that cannot do everything, files that are damaged, and what the program says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use turnledger_testing::{Answer, Collector};
use turnledger_tests::program::{command, run_in, stderr, stdout};

/// A session behind the tap whose one event is a hook that ran.
fn session(program: &mut Command, options: &[&str]) -> Output {
    let hook = json!({ "method": "hook/completed", "params": { "threadId": "T", "turnId": "U", "run": {
        "id": "h", "eventName": "stop", "status": "completed", "source": "user" } } });
    let script = format!("echo '{hook}'");
    let output = program.arg("tap").args(options).args(["--", "sh", "-c", &script]).output().expect("the tap runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    output
}

fn spool(home: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run_in(home, &[&["spool"][..], arguments].concat(), b"");
    (output.status.code(), stdout(&output), stderr(&output))
}

#[test]
fn a_damaged_spool_is_said_and_can_be_set_aside_without_losing_it() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("spool.db").display().to_string();
    let damaged = "no database, ".repeat(1000);
    fs::write(&path, &damaged).expect("a file");
    let advice = format!(
        "turnledger: {path}: the spool is damaged: file is not a database; \
         `turnledger spool set-aside` renames it, and a new one takes its place\n"
    );
    for arguments in [&["status"][..], &["list"], &["retry"], &["clear", "--yes"]] {
        let arguments = [arguments, &["--spool", &path]].concat();
        assert_eq!(spool(home.path(), &arguments), (Some(2), String::new(), advice.clone()), "{arguments:?}");
    }
    let collector = Collector::new();
    let url = collector.url();
    let upload = run_in(home.path(), &["upload", "-q", "--spool", &path, "--upload", &url], b"");
    assert_eq!((upload.status.code(), stderr(&upload)), (Some(2), advice));
    // A session goes on without it: said once, and delivered from memory.
    let output = session(&mut command(home.path()), &["--spool", &path, "--upload", &url]);
    assert_eq!(collector.count(), 1);
    let said = stderr(&output);
    assert_eq!(said.matches("the spool is damaged").count(), 2, "at once, and at the end: {said}");
    assert!(said.contains("`turnledger spool set-aside`"), "{said}");
    assert_eq!(fs::read_to_string(&path).expect("the file"), damaged, "nobody has touched it");

    let (code, said, _) = spool(home.path(), &["set-aside", "--spool", &path]);
    let aside: Vec<PathBuf> = fs::read_dir(home.path())
        .expect("the folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.to_string_lossy().contains(".damaged-"))
        .collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(
        (code, said),
        (Some(0), format!("{path} is now {}; the next session makes a new spool\n", aside[0].display()))
    );
    assert_eq!(fs::read_to_string(&aside[0]).expect("the file"), damaged);
    session(&mut command(home.path()), &["--spool", &path]);
    let (code, said, problem) = spool(home.path(), &["status", "--spool", &path]);
    assert_eq!((code, said.contains("1 event waiting"), problem.as_str()), (Some(0), true, ""), "{said}");
    // One that is not damaged stays, unless that is meant.
    let refused = format!("turnledger: {path}: not damaged; --force renames it all the same\n");
    assert_eq!(spool(home.path(), &["set-aside", "--spool", &path]), (Some(2), String::new(), refused));
    assert_eq!(spool(home.path(), &["set-aside", "--force", "--spool", &path]).0, Some(0));
    assert!(!Path::new(&path).exists());
}

/// What makes the mapping of a log's shared memory fail, as NFS, SMB and some FUSE mounts do.
const NO_SHARED_MEMORY: &str = r#"
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <stdio.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>
    typedef void *(*mapper)(void *, size_t, int, int, int, off_t);
    static int is_log(int file) {
        char link[64], path[4096] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        return file >= 0 && readlink(link, path, sizeof path - 1) > 0 && strstr(path, "-shm");
    }
    void *mmap64(void *at, size_t size, int can, int flags, int file, off_t offset) {
        if ((flags & MAP_SHARED) && is_log(file)) { errno = ENODEV; return MAP_FAILED; }
        return ((mapper)dlsym(RTLD_NEXT, "mmap64"))(at, size, can, flags, file, offset);
    }
    void *mmap(void *at, size_t size, int can, int flags, int file, off_t offset) {
        return mmap64(at, size, can, flags, file, offset);
    }
"#;

#[test]
fn a_file_system_without_shared_memory_keeps_a_spool() {
    let home = tempfile::tempdir().expect("a folder");
    let (source, shim) = (home.path().join("shim.c"), home.path().join("shim.so"));
    fs::write(&source, NO_SHARED_MEMORY).expect("a file");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&shim).arg(&source).arg("-ldl").status();
    assert!(built.expect("a C compiler").success());
    let spooled = home.path().join("spool.db");
    // An empty file becomes a database.
    fs::write(&spooled, "").expect("a file");
    let path = spooled.display().to_string();
    let here = || {
        let mut program = command(home.path());
        program.env("LD_PRELOAD", &shim);
        program
    };
    // A new spool, and one that has a log from another machine.
    for events in [1, 2] {
        let output = session(&mut here(), &["--spool", &path]);
        assert_eq!(stderr(&output), "");
        let status = here().args(["spool", "status", "--spool", &path]).output().expect("it runs");
        let status = stdout(&status);
        assert!(status.contains(&format!("{events} event{} waiting", if events == 1 { "" } else { "s" })), "{status}");
        if events == 1 {
            // On an ordinary disk it gets its log back.
            assert_eq!(spool(home.path(), &["status", "--spool", &path]).0, Some(0));
            let mode: String = rusqlite::Connection::open(&spooled)
                .and_then(|spool| spool.query_row("PRAGMA journal_mode", [], |row| row.get(0)))
                .expect("its mode");
            assert_eq!(mode, "wal");
        }
    }
}

#[test]
fn what_lies_on_disk_is_its_owners_alone() {
    let home = tempfile::tempdir().expect("a folder");
    session(&mut command(home.path()), &["--upload", "http://127.0.0.1:1"]);
    let folder = home.path().join(".local/state/turnledger");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let modes = || {
        let files = fs::read_dir(folder.join("spool")).expect("the spool").map(|file| file.expect("a file").path());
        let mut modes: Vec<_> = files.map(|file| mode(&file)).collect();
        modes.extend([mode(&folder), mode(&folder.join("spool"))]);
        modes
    };
    assert_eq!(modes(), [0o600, 0o600, 0o700, 0o700]);
    // What an older version left wider is narrowed.
    for wide in [&folder, &folder.join("spool")] {
        fs::set_permissions(wide, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    for file in fs::read_dir(folder.join("spool")).expect("the spool") {
        fs::set_permissions(file.expect("a file").path(), fs::Permissions::from_mode(0o644)).expect("ours");
    }
    session(&mut command(home.path()), &["--upload", "http://127.0.0.1:1"]);
    assert_eq!(modes(), [0o600, 0o600, 0o700, 0o700]);
}

#[test]
fn what_waits_in_the_file_of_an_earlier_version_moves_once() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".local/state/turnledger");
    let (old, new) = (folder.join("spool.db"), folder.join("spool"));
    for command in ["status", "tap", "upload"] {
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(&old, "").expect("a file");
        session(&mut self::command(home.path()), &["--spool", &old.display().to_string()]);
        let collector = Collector::new();
        let said = match command {
            "status" => spool(home.path(), &["status"]).2,
            "tap" => stderr(&session(&mut self::command(home.path()), &["--upload", &collector.url()])),
            _ => stderr(&run_in(home.path(), &["upload", "-q", "--upload", &collector.url()], b"")),
        };
        assert_eq!(said, format!("turnledger: 1 event of {} moved to {}\n", old.display(), new.display()));
        assert!(!old.exists() && !folder.join("spool.db-wal").exists());
        assert_eq!(collector.count(), if command == "tap" { 3 } else { 0 } + usize::from(command == "upload"));
    }
    // A file that is named is used as it is.
    let path = home.path().join("named.db");
    fs::write(&path, "").expect("a file");
    session(&mut command(home.path()), &["--spool", &path.display().to_string()]);
    let mode: String = rusqlite::Connection::open(&path)
        .and_then(|spool| spool.query_row("PRAGMA journal_mode", [], |row| row.get(0)))
        .expect("a database");
    assert_eq!(mode, "wal");
}

#[test]
fn damage_in_a_log_is_said_and_what_is_around_it_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("spool");
    let named = path.display().to_string();
    for _ in 0..3 {
        session(&mut command(home.path()), &["--spool", &named]);
    }
    let files = fs::read_dir(&path).expect("the spool").map(|file| file.expect("a file").path());
    let log = files.into_iter().find(|file| file.extension().is_some_and(|end| end == "log")).expect("a log");
    let mut bytes = fs::read(&log).expect("its bytes");
    let place = bytes.windows(9).position(|text| text == b"thread_id").expect("an event");
    bytes[place] = b'T';
    // And an end that is torn.
    bytes.truncate(bytes.len() - 1);
    fs::write(&log, &bytes).expect("it is written");
    let (code, said, problem) = spool(home.path(), &["status", "--spool", &named]);
    let aside = fs::metadata(path.join("damaged")).expect("what is set aside").len();
    assert_eq!(code, Some(0));
    assert_eq!(
        problem,
        format!(
            "turnledger: {named}: 2 damaged places of the spool ({aside} bytes) were set aside in its file `damaged`; \
             the events around are kept\n"
        )
    );
    assert!(
        said.contains("\n1 event waiting (") && said.ends_with(&format!(" of damage set aside in {named}/damaged\n")),
        "{said}"
    );
    // It is said once, and shown as long as the file is there.
    let (code, again, problem) = spool(home.path(), &["status", "--spool", &named]);
    assert_eq!((code, problem.as_str()), (Some(0), ""));
    assert!(again.ends_with(&format!(" of damage set aside in {named}/damaged\n")), "{again}");
}

#[test]
fn what_a_person_has_to_do_is_said_at_once_and_at_the_end() {
    let home = tempfile::tempdir().expect("a folder");
    let spooled = home.path().join("spool.db").display().to_string();
    for (status, said) in [
        (404, "the server does not take requests at this URL (status 404)"),
        (403, "the server does not take this account's requests (status 403)"),
    ] {
        let collector = Collector::new();
        collector.rule(move |_| Some(Answer::status(status)));
        let output = session(&mut command(home.path()), &["--spool", &spooled, "--upload", &collector.url()]);
        let end = format!("event not sent yet ({said}): kept in the spool for the next session\n");
        let end = end.replace("event ", if status == 404 { "event " } else { "events " });
        assert!(stderr(&output).ends_with(&end), "{}", stderr(&output));
        let output = session(&mut command(home.path()), &["--spool", "none", "--upload", &collector.url()]);
        assert!(stderr(&output).ends_with(&format!("1 event not sent ({said}): lost\n")), "{}", stderr(&output));
    }
    let collector = Collector::new();
    collector.rule(|_| Some(Answer::status(422)));
    let output = session(&mut command(home.path()), &["--spool", "none", "--upload", &collector.url()]);
    assert!(stderr(&output).contains("the server refused 1 event (status 422)\n"), "{}", stderr(&output));
}

#[test]
fn events_of_a_login_that_comes_later_are_not_uploaded_under_it() {
    let home = tempfile::tempdir().expect("a folder");
    let auth = home.path().join("auth.json").display().to_string();
    let spooled = home.path().join("spool.db").display().to_string();
    let collector = Collector::new();
    let url = collector.url();
    let log_in = |account: &str| {
        fs::write(&auth, json!({ "tokens": { "access_token": account, "account_id": account } }).to_string())
            .expect("a file");
    };
    let live = ["--spool", &spooled, "--auth", &auth, "--upload", &url];
    let output = session(&mut command(home.path()), &live);
    assert_eq!(stderr(&output), "turnledger: 1 event dropped: nobody was logged in\n");
    log_in("one");
    session(&mut command(home.path()), &["--spool", &spooled, "--auth", &auth]);
    log_in("two");
    let output = session(&mut command(home.path()), &live);
    assert_eq!(collector.count(), 1, "{}", stderr(&output));
    let upload = || run_in(home.path(), &["upload", "-q", "--spool", &spooled, "--auth", &auth, "--upload", &url], b"");
    let output = upload();
    let waiting = "turnledger: 1 event still waiting for another account to log in\n";
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(4), waiting));
    log_in("one");
    assert_eq!(upload().status.code(), Some(0));
    let sent: Vec<_> =
        collector.received().iter().map(|request| request.headers["chatgpt-account-id"].clone()).collect();
    assert_eq!(sent, ["two", "one"]);
}
