/** One field: the key. */
import { useEffect, useRef, useState } from "preact/hooks";

import { ThemeChoice } from "../../../shared/view/theme-choice.js";
import { Refused } from "../page/api.js";
import { signIn } from "../page/state.js";
import { Command } from "./command.js";

/** `isFirst` takes the focus: nothing else is on the page. */
export function KeyForm({ isFirst = false }: { isFirst?: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    if (isFirst) field.current?.focus();
  }, []);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const key = field.current!.value.trim();
    if (key === "") {
      setProblem("Paste your sign-in key.");
      field.current!.focus();
      return;
    }
    setBusy(true);
    setProblem("");
    try {
      await signIn(key);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setProblem(problemOf(error));
      field.current?.focus();
    } finally {
      setBusy(false);
    }
  };
  return (
    <form class="key-form" onSubmit={(event) => void submit(event)} noValidate>
      <label for="key">Sign-in key</label>
      <div class="key-line">
        <input
          id="key"
          ref={field}
          type="password"
          placeholder="tlk_…"
          autocomplete="current-password"
          autocapitalize="off"
          spellcheck={false}
          aria-invalid={problem !== ""}
          aria-describedby="key-problem"
        />
        <button type="submit" class="primary" disabled={isBusy}>
          Sign in
        </button>
      </div>
      <p id="key-problem" class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}

function problemOf({ status, sentence, message }: Refused): string {
  if (status !== 401) return message;
  return sentence ?? "No user has this key. It begins with tlk_; a revoked key is refused, too.";
}

export function SignIn() {
  return (
    <div class="page sign-in">
      <header class="top">
        <h1>
          <span class="brand">Turnledger</span>
        </h1>
        <span class="spacer" />
        <ThemeChoice />
      </header>
      <main>
        <section class="panel" aria-labelledby="sign-in-title">
          <h2 id="sign-in-title">Sign in to your team’s numbers</h2>
          <KeyForm isFirst />
          <h3>Where to get a key</h3>
          <p>Ask whoever runs this collector. They make a key on its machine with this command, which shows it once:</p>
          <Command text="turnledger collect user add NAME --role ROLE" />
          <p class="hint">
            The key begins with <code>tlk_</code> and is for people. A token that begins with <code>tl_</code> is for
            programs that send events, and opens nothing here.
          </p>
        </section>
      </main>
    </div>
  );
}
