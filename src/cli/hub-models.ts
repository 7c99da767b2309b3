/** Models of the hub that a command names, `hf:owner/name`, are fetched and converted before it runs, unless they are in the cache. */
import type { HubConnection } from '../datasets/hub/request.js';
import type { HubModelName } from '../models/importers/hub-cache.js';
import { Progress } from './progress.js';

/** What a command lends to what fetches. */
export interface Opening {
  note(text: string): void;
  quiet: boolean;
  signal?: AbortSignal;
}

/** Longest silence of the hub, ms. */
const TIMEOUT_MS = 30_000;

/** Flags and arguments that take a model. */
const NAMES = ['model', 'judge', 'against'] as const;

/** The hub models among a command's values: `hf:owner/name`, also from `name=hf:owner/name`. */
export function hubModelsIn(values: Readonly<Record<string, unknown>>): string[] {
  const specs = NAMES.flatMap((name) => values[name] ?? []).filter((spec) => typeof spec === 'string');
  return [...new Set(specs.map((spec) => spec.replace(/^[A-Za-z0-9][\w.+-]*=(?=hf:)/, '')))].filter((spec) =>
    spec.startsWith('hf:'),
  );
}

/** @throws DataError (the hub's), ModelError, UsageError, FileError, InterruptedError */
export async function fetchHubModels(specs: readonly string[], opening: Opening): Promise<void> {
  const { hubModel } = await import('../models/importers/hub-model.js');
  const { parseHubModel } = await import('../models/importers/hub-cache.js');
  for (const spec of specs) {
    const name = parseHubModel(spec)!; // hubModelsIn leaves only `hf:` names
    const { notices } = await fetching(name, opening, (connecting) => hubModel(name, connecting));
    for (const notice of notices) opening.note(notice);
  }
}

/** Runs an action that fetches from the hub, with a connection and visible progress. */
export async function fetching<T>(
  { repo, file }: HubModelName,
  { note, quiet, signal }: Opening,
  action: (connecting: Connecting) => Promise<T>,
): Promise<T> {
  const progress = new Progress({ quiet });
  const kilobytes = (bytes: number) => Math.max(1, Math.round(bytes / 1000));
  try {
    return await action({
      connection: await hubConnection({ note, signal }, TIMEOUT_MS),
      onStart: ({ revision, bytes }) => {
        note(
          `Fetching ${(bytes / 1e6).toPrecision(2)} MB of ${repo} at ${revision.slice(0, 12)}${file ? '' : ', to convert it'}.`,
        );
        progress.start(kilobytes(bytes), `${repo} (kB)`);
      },
      onProgress: (done) => progress.update(kilobytes(done)),
    });
  } finally {
    progress.stop();
  }
}

/** The hub as every command reaches it. @param timeoutMs longest silence */
export async function hubConnection(
  { note, signal }: Omit<Opening, 'quiet'>,
  timeoutMs: number,
): Promise<HubConnection> {
  const { hubEndpoint } = await import('../datasets/hub/endpoint.js');
  return {
    endpoint: hubEndpoint(),
    timeoutMs,
    pausesMs: [500, 1500],
    onWait: (seconds) => note(`The hub is busy and asks to wait ${seconds} seconds.`),
    signal,
  };
}

type Connecting = Pick<
  import('../models/importers/hub-model.js').HubModelOptions,
  'connection' | 'onStart' | 'onProgress'
>;
