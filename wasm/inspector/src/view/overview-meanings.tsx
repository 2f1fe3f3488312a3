/** What the overview's numbers are; what the members mean that they are made of, as the schema has it. */
import MEANINGS from "../../../ts/generated/meanings.json";

type Type = keyof typeof MEANINGS;

const NUMBERS: [name: string, definition: string, type?: Type, members?: string[]][] = [
  [
    "Session",
    "A file. A rollout has one thread, a recording all threads of an app-server, a file of events what is in it.",
  ],
  ["Began", "The first time in the file, where you are."],
  [
    "Turns",
    "Turns that have an event. What is known to have been a turn and has none stands beside it. A turn that is in two " +
      "files counts once in sums and trends.",
  ],
  [
    "Tokens",
    "Input and output of the turns that say both; how many do not stands beside it. Cached and reasoning tokens are in them.",
    "codex_turn_event",
    ["input_tokens", "output_tokens"],
  ],
  ["In turns", "The sum of the turns’ times.", "codex_turn_event", ["duration_ms"]],
  ["Tool calls", "Commands, patches, and calls of tools that have an event."],
  [
    "Lines",
    "Lines of the turns’ diffs.",
    "codex_accepted_line_fingerprints",
    ["accepted_added_lines", "accepted_deleted_lines"],
  ],
  ["Last turn", "How the last turn with an event ended.", "codex_turn_event", ["status"]],
  ["unknown", "The file does not say it. A dash is nothing: there is none."],
];

export function OverviewMeanings() {
  return (
    <details class="meanings panel">
      <summary>What each number means</summary>
      <dl>
        {NUMBERS.map(([name, definition, type, members = []]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {definition}
              {members.map((member) => (
                <span class="below" key={member}>
                  <code>{member}</code>: {(MEANINGS[type!] as Readonly<Record<string, string>>)[member]}
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
