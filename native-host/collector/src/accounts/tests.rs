//! Accounts, in a file.

use turnledger_core::UnixMillis;

use super::{Accounts, AccountsError, Holder, Role, Token, User, UserKind};

fn open() -> (tempfile::TempDir, Accounts) {
    let folder = tempfile::tempdir().unwrap();
    let accounts = Accounts::open(&folder.path().join("data/accounts.sqlite")).unwrap();
    (folder, accounts)
}

#[test]
fn tokens() {
    let (_folder, accounts) = open();
    let (id, secret) = accounts.add_token(" ada ", Some("core"), UnixMillis(1)).unwrap();
    let (second, other) = accounts.add_token("bob", None, UnixMillis(2)).unwrap();
    let holder = |secret: &str| accounts.holder(secret).unwrap();
    let ada = Holder { token: id, person: "ada".into(), team: Some("core".into()) };
    assert_eq!(holder(secret.expose()), Some(ada));
    assert_eq!(holder(other.expose()), Some(Holder { token: second, person: "bob".into(), team: None }));
    for wrong in ["", "tl_", "tl_x", &secret.expose()[1..], &format!("{} ", secret.expose())] {
        assert_eq!(holder(wrong), None, "{wrong}");
    }
    accounts.tokens_used([(id, UnixMillis(9)), (id, UnixMillis(5)), (77, UnixMillis(1))]).unwrap();
    assert!(accounts.revoke_token(id, UnixMillis(10)).unwrap());
    assert!(!accounts.revoke_token(id, UnixMillis(11)).unwrap());
    assert_eq!(holder(secret.expose()), None);
    let expected = [
        Token {
            id,
            person: "ada".into(),
            team: Some("core".into()),
            created_at: UnixMillis(1),
            last_used_at: Some(UnixMillis(9)),
            revoked_at: Some(UnixMillis(10)),
        },
        Token {
            id: second,
            person: "bob".into(),
            team: None,
            created_at: UnixMillis(2),
            last_used_at: None,
            revoked_at: None,
        },
    ];
    assert_eq!(accounts.tokens().unwrap(), expected);
    for name in ["", " ", "a\nb", &"x".repeat(101)] {
        let refused = accounts.add_token(name, None, UnixMillis(1)).unwrap_err();
        assert!(matches!(refused, AccountsError::Name(_)), "{name}");
    }
}

#[test]
fn users() {
    let (_folder, accounts) = open();
    let (id, key) = accounts.add_user("ada", &UserKind::Owner, UnixMillis(1)).unwrap();
    let member = UserKind::Member("bob".into());
    let (second, _) = accounts.add_user("bob", &member, UnixMillis(2)).unwrap();
    assert!(matches!(accounts.add_user("ada", &UserKind::Viewer, UnixMillis(3)), Err(AccountsError::Taken)));
    let ada = User {
        id,
        name: "ada".into(),
        kind: UserKind::Owner,
        created_at: UnixMillis(1),
        last_used_at: Some(UnixMillis(7)),
        revoked_at: None,
    };
    assert_eq!(accounts.sign_in(key.expose(), UnixMillis(7)).unwrap(), Some(ada.clone()));
    assert_eq!(accounts.user(id).unwrap(), Some(ada.clone()));
    assert_eq!(accounts.sign_in("tlk_x", UnixMillis(7)).unwrap(), None);
    // What a client sends with is not what a user signs in with.
    let (_, token) = accounts.add_token("ada", None, UnixMillis(1)).unwrap();
    assert_eq!(accounts.sign_in(token.expose(), UnixMillis(7)).unwrap(), None);
    assert_eq!(accounts.holder(key.expose()).unwrap(), None);
    assert!(accounts.revoke_user(id, UnixMillis(8)).unwrap());
    assert_eq!(accounts.sign_in(key.expose(), UnixMillis(9)).unwrap(), None);
    assert_eq!(accounts.user(id).unwrap(), None);
    // The name is free again.
    let (third, _) = accounts.add_user("ada", &UserKind::Viewer, UnixMillis(9)).unwrap();
    let listed: Vec<_> = accounts.users().unwrap().into_iter().map(|user| (user.id, user.name, user.kind)).collect();
    let expected = [(id, "ada", UserKind::Owner), (second, "bob", member), (third, "ada", UserKind::Viewer)];
    assert_eq!(listed, expected.map(|(id, name, kind)| (id, name.to_owned(), kind)));
}

#[test]
fn only_a_member_is_a_person() {
    assert_eq!(UserKind::new(Role::Member, None), None);
    assert_eq!(UserKind::new(Role::Owner, Some("ada".into())), None);
    for role in Role::ALL {
        assert_eq!(Role::of(role.name()), Some(role));
    }
}

#[test]
fn several_processes_use_the_file() {
    let (_folder, accounts) = open();
    let other = Accounts::open(accounts.path()).unwrap();
    let (id, token) = other.add_token("ada", None, UnixMillis(1)).unwrap();
    assert!(accounts.holder(token.expose()).unwrap().is_some());
    other.revoke_token(id, UnixMillis(2)).unwrap();
    assert_eq!(accounts.holder(token.expose()).unwrap(), None);
}

#[test]
fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.sqlite");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    assert!(matches!(Accounts::open(&path), Err(AccountsError::Foreign { .. })));
    let later = folder.path().join("later.sqlite");
    Accounts::open(&later).unwrap().with(|connection| connection.pragma_update(None, "user_version", 99)).unwrap();
    assert!(matches!(Accounts::open(&later), Err(AccountsError::Version { found: 99, known: 2, .. })));
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, accounts) = open();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(accounts.path()), mode(accounts.path().parent().unwrap())), (0o600, 0o700));
}
