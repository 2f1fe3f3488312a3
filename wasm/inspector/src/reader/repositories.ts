/** The remotes of the folders in which threads work, where the traffic has them, as the native replay takes them. */
import type { Fact, Question } from "turnledger/inline";

/** No recording has more folders than this. */
const MOST = 4096;

interface Thread {
  cwd?: unknown;
  gitInfo?: { originUrl?: unknown } | null;
}

export class Repositories {
  readonly #byFolder = new Map<string, string>();

  /** Remembers the remote of a thread that a message describes. */
  see(parsed: unknown): void {
    const { result, params } = (parsed ?? {}) as Record<string, { thread?: Thread | null } | null | undefined>;
    for (const holder of [result, params]) {
      const folder = holder?.thread?.cwd;
      const url = holder?.thread?.gitInfo?.originUrl;
      if (typeof folder === "string" && typeof url === "string" && this.#byFolder.size < MOST)
        this.#byFolder.set(folder, url);
    }
  }

  /** The answer to a question of the core; what the traffic does not have is no repository, as for a folder that is gone. */
  answer(question: Question): Fact {
    const folder = question.kind === "repository" ? question.cwd : question.workspace;
    const url = (folder === null ? undefined : this.#byFolder.get(folder)) ?? null;
    if (question.kind === "repository") return { repository_answered: { question: question.id, remote_url: url } };
    const { id, path } = question;
    const workspace = url === null ? null : question.workspace;
    // A skill below the working directory is taken to lie in that directory's repository.
    return { skill_answered: { question: id, skill_path: path, repository_root: workspace, remote_url: url } };
  }
}
