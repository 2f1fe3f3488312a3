/** Asks the collector whenever the question changes; an answer stays until the next is there. */
import { useEffect, useState } from "preact/hooks";

import { ask, Refused } from "./api.js";
import { revision, trouble } from "./state.js";

export interface Data<T> {
  /** Undefined until there is an answer. */
  value: T | undefined;
  /** The question that the answer is to. */
  path: string | null;
  isLoading: boolean;
  /** When the answer came. */
  at: number;
  refused: Refused | null;
}

export function useData<T>(path: string | null): Data<T> {
  const [data, setData] = useState<Data<T>>({
    value: undefined,
    path: null,
    isLoading: path !== null,
    at: 0,
    refused: null,
  });
  useEffect(() => {
    if (path === null) return;
    const controller = new AbortController();
    setData((before) => ({ ...before, isLoading: true, refused: null }));
    ask<T>(path, { signal: controller.signal }).then(
      (value) => {
        trouble(path, null);
        setData({ value, path, isLoading: false, at: Date.now(), refused: null });
      },
      (error: Error) => {
        if (controller.signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        trouble(path, error);
        setData((before) => ({ ...before, isLoading: false, refused: error }));
      },
    );
    return () => {
      controller.abort();
      trouble(path, null);
    };
  }, [path, revision.value]);
  return data;
}
