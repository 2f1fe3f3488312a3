/** What is wrong at the moment, in a sentence each; what is on the screen stays. */
import { again, isSignedOut, notice, troubles } from "../page/state.js";
import { KeyForm } from "./sign-in.js";

export function Messages() {
  const sentences = new Set([...troubles.value.values()].map(({ message }) => message));
  return (
    <div class="messages-now">
      <div role="alert">
        {isSignedOut.value && <p class="message-now bad">You are signed out: sign in to go on.</p>}
        {[...sentences].map((sentence) => (
          <p class="message-now bad" key={sentence}>
            {sentence}
            <button type="button" onClick={again}>
              Try again
            </button>
          </p>
        ))}
      </div>
      {isSignedOut.value && (
        <section class="panel" aria-label="Sign in again">
          <KeyForm />
        </section>
      )}
      <div role="status">{notice.value !== "" && <p class="message-now">{notice.value}</p>}</div>
    </div>
  );
}
