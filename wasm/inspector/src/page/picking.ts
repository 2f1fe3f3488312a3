/** The files that a user gives: chosen or dropped, alone or in folders. */

export interface Picked {
  /** With the folders that it is in, from the one that was given. */
  path: string;
  file: File;
}

export interface Picking {
  picked: Picked[];
  /** The folder, or how many files. */
  name: string;
  /** Whether a folder was given. */
  isFolder: boolean;
  /** Files of a folder that are none of ours by their names. */
  passedOver: number;
  /** What may not be read: a file, or a folder with all in it. */
  unreadable: number;
}

/** In a folder there are other things beside; a file that is given by itself may have any name. */
const isOurs = (path: string): boolean => /\.jsonl(\.zst|\.gz)?$/.test(path);

export function fromInput(files: Iterable<File>): Picking {
  return picking(
    [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })),
    0,
  );
}

/** What is dropped has to be asked for before anything is waited for. */
export async function fromDrop(items: DataTransferItemList): Promise<Picking> {
  const picked: Picked[] = [];
  const entries: FileSystemEntry[] = [];
  for (const item of items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.() ?? null;
    const file = item.getAsFile();
    if (entry?.isDirectory) entries.push(entry);
    else if (file !== null) picked.push({ path: file.name, file });
  }
  let unreadable = 0;
  for (const entry of entries) unreadable += await walk(entry, picked);
  return picking(picked, unreadable);
}

function picking(all: Picked[], unreadable: number): Picking {
  const isFolder = all.some(({ path }) => path.includes("/"));
  const picked = all
    .filter(({ path }) => !path.includes("/") || isOurs(path))
    .sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const folders = new Set(all.map(({ path }) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : "")));
  const [folder] = folders;
  const name = folders.size === 1 && folder !== "" ? folder! : `${picked.length} files`;
  return { picked, name, isFolder, passedOver: all.length - picked.length, unreadable };
}

/** Returns how much of it may not be read: that lies beside what may. */
async function walk(entry: FileSystemEntry, picked: Picked[]): Promise<number> {
  let unreadable = 0;
  try {
    if (entry.isDirectory) {
      const reader = (entry as FileSystemDirectoryEntry).createReader();
      const next = (): Promise<FileSystemEntry[]> =>
        new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      // They come by the hundred.
      for (let some = await next(); some.length > 0; some = await next())
        for (const one of some) unreadable += await walk(one, picked);
    } else {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      picked.push({ path: entry.fullPath.replace(/^\//, ""), file });
    }
  } catch {
    unreadable++;
  }
  return unreadable;
}
