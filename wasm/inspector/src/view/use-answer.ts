/** Asks the reader again whenever the question or the recording changes; an answer stays until the next is there. */
import { useEffect, useState } from "preact/hooks";

import type { Client } from "../page/client.js";
import { notice, opened, revision } from "../page/recording-state.js";

export function useAnswer<T>(ask: (client: Client) => Promise<T>, question: unknown[]): T | undefined {
  const client = opened.value?.client;
  const [answer, setAnswer] = useState<{ client: Client; value: T } | undefined>(undefined);
  useEffect(() => {
    if (client === undefined) return;
    let isCurrent = true;
    ask(client).then(
      (value) => isCurrent && setAnswer({ client, value }),
      (error: Error) => isCurrent && (notice.value = error.message),
    );
    return () => {
      isCurrent = false;
    };
  }, [client, revision.value, ...question]);
  return answer !== undefined && answer.client === client ? answer.value : undefined;
}
