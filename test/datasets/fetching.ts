/** A local hub and a cache of its own for every test, and a fetch from the one into the other. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { hubEndpoint } from '../../src/datasets/hub/endpoint.js';
import { type Fetched, type FetchOptions, fetchDataset } from '../../src/datasets/hub/fetch-dataset.js';
import type { HubConnection } from '../../src/datasets/hub/request.js';
import { temporaryFolder } from '../support/folder.js';
import { type LocalHub, localHub } from '../support/hub.js';
import { patient } from '../support/patience.js';
import { oracle } from './oracle.js';

export const PTB = 'ptb-text-only/ptb_text_only';
export const PTB_FILE = 'penn_treebank/validation/0000.parquet';
export const LAMBADA = 'EleutherAI/lambada_openai';

export const parquet = oracle('parquet-files') as { sentences: string[]; files: Record<string, string> };
/** A Parquet file with a column `sentence`. */
export const sentences = Buffer.from(parquet.files.none, 'base64');
export const sameSentences = Buffer.from(parquet.files.snappy, 'base64');

export interface Fetching {
  hub: LocalHub;
  connection(changes?: Partial<HubConnection> & { token?: string }): HubConnection;
  fetch(name: string, options?: Partial<FetchOptions>): Promise<Fetched>;
  /** Names in the folder of a fetched data set, sorted. */
  kept(name: string): string[];
  cachePath(...names: string[]): string;
}

export async function fetching(): Promise<Fetching> {
  const hub = await localHub();
  const folder = temporaryFolder();
  const before = { cache: process.env.DUO_EVAL_CACHE, config: process.env.DUO_EVAL_CONFIG };
  let made = 0;
  let cache = '';
  beforeEach(() => {
    cache = folder.path(`cache${made}`);
    process.env.DUO_EVAL_CACHE = cache;
    process.env.DUO_EVAL_CONFIG = folder.path(`config${made++}`);
    hub.answer = () => false;
    hub.asked.length = 0;
    hub.repos.clear();
  });
  afterEach(() => {
    restore('DUO_EVAL_CACHE', before.cache);
    restore('DUO_EVAL_CONFIG', before.config);
  });
  const connection: Fetching['connection'] = ({ token, ...changes } = {}) => ({
    endpoint: hubEndpoint({ HF_ENDPOINT: hub.url, HF_TOKEN: token }),
    timeoutMs: patient(20_000),
    pausesMs: [1, 1],
    ...changes,
  });
  return {
    hub,
    connection,
    fetch: (name, options = {}) => fetchDataset(name, { connection: connection(), ...options }),
    kept: (name) => {
      try {
        return readdirSync(join(cache, 'datasets', name)).sort();
      } catch {
        return [];
      }
    },
    cachePath: (...names) => join(cache, ...names),
  };
}

function restore(variable: string, value: string | undefined): void {
  if (value === undefined) delete process.env[variable];
  else process.env[variable] = value;
}
