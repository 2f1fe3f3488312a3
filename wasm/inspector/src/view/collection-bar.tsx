import { count, counted, size } from "../../shared/page/format.js";
import { collection, passedOver, problems, survey } from "../page/collection-state.js";
import { notice } from "../page/recording-state.js";
import { isOfSession, view } from "../page/view-state.js";
import type { SurveyProgress } from "../reader/survey-view.js";

export function CollectionBar() {
  const { name, client } = collection.value!;
  const known = survey.value;
  return (
    <section class="recording collection" aria-label="Files">
      <div class="recording-line">
        <h2>{name}</h2>
        <p class="facts">{known === null ? "Opening…" : facts(known)}</p>
        {known?.state === "reading" && (
          <div class="recording-actions">
            <button type="button" onClick={() => void client.ask("stop")}>
              Stop reading
            </button>
          </div>
        )}
      </div>
      {known?.state === "reading" && <Bar known={known} />}
      <p class="visually-hidden" role="status">
        {known === null ? "" : spoken(known)}
      </p>
      {!isOfSession(view.value.view) && <Problems known={known} />}
    </section>
  );
}

function facts({ files, bytes, sessions }: SurveyProgress): string {
  return [counted(files, "file"), size(bytes), counted(sessions, "session")].join(" · ");
}

const share = ({ bytes, bytesRead, files, filesRead }: SurveyProgress): number =>
  bytes === 0 ? filesRead / Math.max(1, files) : bytesRead / bytes;

function Bar({ known }: { known: SurveyProgress }) {
  return (
    <div class="progress">
      <progress max={100} value={Math.floor(share(known) * 100)} aria-label="Reading" />
      <span>
        {count(known.filesRead)} of {counted(known.files, "file")}, {size(known.bytesRead)} of {size(known.bytes)}
      </span>
    </div>
  );
}

/** Said in tenths, so that nobody has to listen to every percent. */
function spoken(known: SurveyProgress): string {
  if (known.state === "reading") return `Reading: ${Math.floor(share(known) * 10) * 10} percent`;
  return `${known.state === "stopped" ? "Stopped" : "Read all"}: ${counted(known.sessions, "session")}`;
}

/** As many are shown at once. */
const MOST_SHOWN = 5;

function Problems({ known }: { known: SurveyProgress | null }) {
  const sentences: string[] = [];
  if (notice.value !== "") sentences.push(notice.value);
  if (known !== null && known.internalErrors > 0) {
    const times = counted(known.internalErrors, "time");
    sentences.push(`The ledger failed ${times} and went on with empty state: events may be missing.`);
  }
  if (known?.state === "stopped") {
    sentences.push(
      `Stopped after ${count(known.filesRead)} of ${counted(known.files, "file")}: the others are not here.`,
    );
  }
  const others = passedOver(collection.value!, known);
  if (others !== "") sentences.push(others);
  const all = problems.value;
  const total = known?.problems ?? 0;
  const line = ({ path, text }: (typeof all)[number]) => (
    <p key={path}>
      {path}: {text}
    </p>
  );
  return (
    <div class="problems" role="status">
      {sentences.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {all.slice(0, MOST_SHOWN).map(line)}
      {total > MOST_SHOWN && (
        <details>
          <summary>{counted(total - MOST_SHOWN, "more file")} with a problem</summary>
          {all.slice(MOST_SHOWN).map(line)}
          {total > all.length && <p>and {count(total - all.length)} more</p>}
        </details>
      )}
    </div>
  );
}
