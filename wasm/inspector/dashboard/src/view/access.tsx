/** Who may send, and who may look. For owners. */
import { useEffect, useRef, useState } from "preact/hooks";

import { ask, type Me, Refused, request, type Role, type Token, type User } from "../page/api.js";
import { choices, me as signedIn, notice, revision, trouble } from "../page/state.js";
import { useData } from "../page/use-data.js";
import { Command } from "./command.js";
import { clientCommand } from "./empty.js";
import { useMoment } from "./sessions.js";

export function Access({ me }: { me: Me }) {
  return (
    <>
      <div class="head">
        <div>
          <h2>Access</h2>
          <p class="hint">
            Tokens let programs send events. Keys let people look. Each is shown once, when it is made.
          </p>
        </div>
      </div>
      {me.may.tokens ? (
        <>
          <Tokens me={me} />
          <Users me={me} />
        </>
      ) : (
        <p>Only owners see who has access.</p>
      )}
    </>
  );
}

/** Does something, and says in a sentence what went wrong. */
async function attempt(what: string, path: string, act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 401) trouble(path, error);
    else notice.value = `${what} ${error.message}`;
    return false;
  }
}

function Tokens({ me }: { me: Me }) {
  const { value } = useData<{ tokens: Token[] }>("/api/tokens");
  const [made, setMade] = useState<{ token: string; person: string } | null>(null);
  const moment = useMoment(me);
  const add = async (form: FormData): Promise<boolean> => {
    const [person, team] = [textOf(form, "person"), textOf(form, "team")];
    return attempt("No token was made.", "/api/tokens", async () => {
      const { token } = await ask<{ token: string }>("/api/tokens", {
        method: "POST",
        body: { person, team: team === "" ? null : team },
      });
      setMade({ token, person });
      revision.value++;
    });
  };
  return (
    <section class="panel" aria-labelledby="tokens-title">
      <h2 id="tokens-title">Tokens, for programs that send</h2>
      <AddForm name="Make a token" add={add}>
        <label>
          <span>Person</span>
          <input name="person" required list="persons" autocomplete="off" />
        </label>
        <label>
          <span>Team</span>
          <input name="team" list="teams" autocomplete="off" />
        </label>
        <Names id="persons" names={value?.tokens.map(({ person }) => person) ?? []} />
        <Names
          id="teams"
          names={[...(choices.value?.teams ?? []), ...(value?.tokens.flatMap(({ team }) => team ?? []) ?? [])]}
        />
      </AddForm>
      {made !== null && (
        <Secret title={`A token for ${made.person}`} close={() => setMade(null)}>
          <Command text={made.token} name="the token" />
          <p>
            Two lines for their machine: the token goes into a file that only they can read, and the tap sends with it.
          </p>
          <Command text={clientLines()} name="the two lines" />
          <p class="hint">The first line waits for the token: paste it, then press Enter and Ctrl+D.</p>
        </Secret>
      )}
      <Table
        name="Tokens"
        heads={["Person", "Team", "Made", "Last used"]}
        rows={(value?.tokens ?? []).map(({ id, person, team, created_at, last_used_at, revoked_at }) => ({
          id,
          name: `the token of ${person}`,
          revoked: revoked_at === null ? null : moment(revoked_at),
          cells: [person, team ?? "none", moment(created_at), last_used_at === null ? "never" : moment(last_used_at)],
        }))}
        isKnown={value !== undefined}
        path="/api/tokens"
        warning="Programs that send with it are refused from now on. What they sent stays."
      />
    </section>
  );
}

const FILE = "~/.config/turnledger/token";

/** The shell's history does not have the token. */
const clientLines = (): string =>
  `(umask 077 && mkdir -p ~/.config/turnledger && cat > ${FILE})\n${clientCommand(FILE)}`;

const ROLES: [Role, string][] = [
  ["owner", "owner: sees everything, gives access"],
  ["analyst", "analyst: sees everything, persons as pseudonyms"],
  ["viewer", "viewer: sees sums of groups"],
  ["member", "member: sees what is their own"],
];

function Users({ me }: { me: Me }) {
  const { value } = useData<{ users: User[] }>("/api/users");
  const [made, setMade] = useState<{ key: string; name: string } | null>(null);
  const [role, setRole] = useState<Role>("viewer");
  const moment = useMoment(me);
  const add = async (form: FormData): Promise<boolean> => {
    const [name, person] = [textOf(form, "name"), textOf(form, "member")];
    return attempt("No user was added.", "/api/users", async () => {
      const { key } = await ask<{ key: string }>("/api/users", {
        method: "POST",
        body: { name, role, person: role === "member" && person !== "" ? person : null },
      });
      setMade({ key, name });
      revision.value++;
    });
  };
  return (
    <section class="panel" aria-labelledby="users-title">
      <h2 id="users-title">Users, who look</h2>
      <AddForm name="Add a user" add={add}>
        <label>
          <span>Name</span>
          <input name="name" required autocomplete="off" />
        </label>
        <label>
          <span>Role</span>
          <select value={role} onChange={({ currentTarget }) => setRole(currentTarget.value as Role)}>
            {ROLES.map(([id, text]) => (
              <option key={id} value={id}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {role === "member" && (
          <label>
            <span>Whose numbers</span>
            <input name="member" required list="members" autocomplete="off" />
            <Names id="members" names={choices.value?.persons ?? []} />
          </label>
        )}
      </AddForm>
      {made !== null && (
        <Secret title={`A sign-in key for ${made.name}`} close={() => setMade(null)}>
          <Command text={made.key} name="the key" />
          <p>
            They sign in with it at <code>{location.origin}/</code>
          </p>
        </Secret>
      )}
      <Table
        name="Users"
        heads={["Name", "Role", "Person", "Made", "Last seen"]}
        rows={(value?.users ?? []).map((user) => ({
          id: user.id,
          name: `the access of ${user.name}`,
          revoked: user.revoked_at === null ? null : moment(user.revoked_at),
          cells: [
            user.name === signedIn.value?.name ? `${user.name} (you)` : user.name,
            user.role,
            user.person ?? "–",
            moment(user.created_at),
            user.last_used_at === null ? "never" : moment(user.last_used_at),
          ],
        }))}
        isKnown={value !== undefined}
        path="/api/users"
        warning="They are signed out at once, and their key is refused from now on."
      />
    </section>
  );
}

const textOf = (form: FormData, name: string): string => String(form.get(name) ?? "").trim();

function Names({ id, names }: { id: string; names: string[] }) {
  return (
    <datalist id={id}>
      {[...new Set(names)].map((name) => (
        <option key={name} value={name} />
      ))}
    </datalist>
  );
}

interface Adding {
  name: string;
  /** Whether it was added. */
  add: (form: FormData) => Promise<boolean>;
  children: preact.ComponentChildren;
}

function AddForm({ name, add, children }: Adding) {
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    setBusy(true);
    notice.value = "";
    try {
      if (await add(new FormData(form))) form.reset();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="filter-line add-form" onSubmit={(event) => void submit(event)} aria-label={name}>
      {children}
      <button type="submit" class="primary" disabled={isBusy}>
        {name}
      </button>
    </form>
  );
}

/** Shown once. */
function Secret({ title, close, children }: { title: string; close: () => void; children: preact.ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="secret" aria-labelledby="secret-title">
      <h3 id="secret-title" ref={heading} tabIndex={-1}>
        {title}
      </h3>
      <p>
        <strong>It is shown now and never again:</strong> the collector keeps only its hash.
      </p>
      {children}
      <button type="button" onClick={close}>
        I have kept it
      </button>
    </section>
  );
}

interface Listed {
  id: number;
  /** What is revoked. */
  name: string;
  /** When it was. */
  revoked: string | null;
  cells: string[];
}

interface Listing {
  name: string;
  heads: string[];
  rows: Listed[];
  isKnown: boolean;
  path: string;
  warning: string;
}

function Table({ name, heads, rows, isKnown, path, warning }: Listing) {
  const [asking, setAsking] = useState<Listed | null>(null);
  const [isRevokedShown, setRevokedShown] = useState(false);
  const revoke = async ({ id, name: what }: Listed): Promise<void> => {
    setAsking(null);
    const own = `${path}/${id}`;
    const isDone = await attempt(
      "Nothing was revoked.",
      own,
      async () => void (await request(own, { method: "DELETE" })),
    );
    if (!isDone) return;
    notice.value = `Revoked: ${what}.`;
    revision.value++;
  };
  const revoked = rows.filter((row) => row.revoked !== null).length;
  const visible = rows.filter((row) => row.revoked === null || isRevokedShown);
  if (!isKnown) return <p class="hint">Asking the collector…</p>;
  return (
    <>
      <div class="table-frame" role="region" tabIndex={0} aria-label={`${name}, to be scrolled`}>
        <table class="access">
          <caption class="visually-hidden">{name}</caption>
          <thead>
            <tr>
              {heads.map((head) => (
                <th scope="col" key={head}>
                  {head}
                </th>
              ))}
              <th scope="col">
                <span class="visually-hidden">Revoke</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {visible.map((row) => (
              <tr key={row.id} class={row.revoked === null ? "" : "is-revoked"}>
                {row.cells.map((cell, index) =>
                  index === 0 ? (
                    <th scope="row" key={index}>
                      {cell}
                    </th>
                  ) : (
                    <td key={index}>{cell}</td>
                  ),
                )}
                <td class="number">
                  {row.revoked === null ? (
                    <button type="button" aria-label={`Revoke ${row.name}`} onClick={() => setAsking(row)}>
                      Revoke…
                    </button>
                  ) : (
                    <span class="note">revoked {row.revoked}</span>
                  )}
                </td>
              </tr>
            ))}
            {visible.length === 0 && (
              <tr>
                <td colSpan={heads.length + 1} class="nothing">
                  There are none.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      {revoked > 0 && (
        <label class="choice">
          <input
            type="checkbox"
            checked={isRevokedShown}
            onChange={({ currentTarget }) => setRevokedShown(currentTarget.checked)}
          />
          Show the {revoked} that {revoked === 1 ? "is" : "are"} revoked
        </label>
      )}
      {asking !== null && (
        <Confirm
          title={`Revoke ${asking.name}?`}
          text={warning}
          yes={() => void revoke(asking)}
          no={() => setAsking(null)}
        />
      )}
    </>
  );
}

function Confirm({ title, text, yes, no }: { title: string; text: string; yes: () => void; no: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onClose={no}>
      <h2 id="confirm-title">{title}</h2>
      <p>{text} This cannot be undone.</p>
      <div class="dialog-actions">
        {/* To close it gives the focus back. */}
        <button type="button" onClick={() => dialog.current?.close()}>
          Keep it
        </button>
        <button
          type="button"
          class="primary danger"
          onClick={() => {
            dialog.current?.close();
            yes();
          }}
        >
          Revoke
        </button>
      </div>
    </dialog>
  );
}
