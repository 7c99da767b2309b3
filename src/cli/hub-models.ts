/** Fetches and converts the hub models (`hf:owner/name`) that a command names, before it runs, unless the cache has them. */
import { fetchHubModel, hubTransfer } from '../library/checkpoints.js';
import type { HubModelName } from '../models/importers/hub-cache.js';
import type { Observer } from '../observer.js';
import { Progress } from './progress.js';

/** What fetching needs from a command. */
export interface Opening {
  note(text: string): void;
  quiet: boolean;
  signal?: AbortSignal;
}

/** Flags and arguments whose value is a model. */
const NAMES = ['model', 'judge', 'against', 'init'] as const;

/** The hub models among a command's values: `hf:owner/name`, also from `name=hf:owner/name`. */
export function hubModelsIn(values: Readonly<Record<string, unknown>>): string[] {
  const specs = NAMES.flatMap((name) => values[name] ?? []).filter((spec) => typeof spec === 'string');
  return [...new Set(specs.map((spec) => spec.replace(/^[A-Za-z0-9][\w.+-]*=(?=hf:)/, '')))].filter((spec) =>
    spec.startsWith('hf:'),
  );
}

/** @throws DataError (the hub's), ModelError, UsageError, FileError, InterruptedError */
export async function fetchHubModels(specs: readonly string[], opening: Opening): Promise<void> {
  for (const spec of specs) await withProgress(opening, (observer) => fetchHubModel(spec, observer));
}

/** Runs an action that fetches from the hub, with a connection and visible progress. */
export async function withHubConnection<T>(
  name: HubModelName,
  opening: Opening,
  action: (connecting: Awaited<ReturnType<typeof hubTransfer>>) => Promise<T>,
): Promise<T> {
  return withProgress(opening, async (observer) => action(await hubTransfer(name, observer)));
}

async function withProgress<T>(
  { note, quiet, signal }: Opening,
  action: (observer: Observer) => Promise<T>,
): Promise<T> {
  const progress = new Progress({ quiet });
  try {
    return await action({
      note,
      progress: (work, done, total) => progress.show(work, done, total),
      signal,
    });
  } finally {
    progress.stop();
  }
}
