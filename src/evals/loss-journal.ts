/**
 * Losses that are finished are never computed again: each batch's are appended to a journal, and a later run of the same
 * command is answered from it. The journal's name is the hash of all that decides a loss (the model, the packed stream, the
 * noise), so it can belong to no other work; numbers are written with all their digits, so the figure of a continued run
 * equals the unbroken one's to the bit.
 */
import { type Journal, openJournal } from '../results/journal.js';
import { type CacheKey, cacheEntryPath } from '../storage/cache-entry.js';
import { acquireLock } from '../storage/lock.js';
import type { ModelCall, SequenceLoss } from './loss-batch.js';
import type { BatchModel } from './loss-session.js';
import type { LossSource } from './loss-source.js';

/** One batch: draw, sequences, their nats and text nats, whether the network was called, ms since the line before; and,
 *  where losses were asked for token by token, those as float32, little-endian, in base64. */
type Line = { d: number; s: number[]; n: number[]; t: number[]; c: (0 | 1)[]; ms: number; b?: string[] };

export interface LossJournal extends LossSource {
  /** Sequence losses that earlier runs had finished. */
  readonly resumed: number;
  /** Seconds that earlier runs took for them. */
  readonly earlierSeconds: number;
  /** Keeps the file for a later run. */
  close(): void;
  /** The figure is delivered: the next run starts anew. */
  finish(): void;
}

/**
 * @param key all that decides a loss   @param fresh ignore what an earlier run left
 * @throws FileError `in-use` when another process works on the same figure
 */
export function journaled(source: LossSource, key: CacheKey, { fresh }: { fresh: boolean }): LossJournal {
  const path = cacheEntryPath('journals', key, '.jsonl');
  const lock = acquireLock(path, `The evaluation of ${source.checkpoint.name}`);
  let journal: Journal<Line>;
  try {
    journal = openJournal<Line>(path, { key: JSON.stringify(key) }, { fresh });
  } catch (error) {
    lock.release();
    throw error;
  }
  const earlier = new FinishedLosses(journal.entries);
  let last = performance.now();

  const compute = async (calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]> => {
    const losses = await source.losses(calls, model);
    const now = performance.now();
    journal.append({
      d: calls[0].draw,
      s: losses.map(({ sequence }) => sequence),
      n: losses.map(({ nats }) => nats),
      t: losses.map(({ textNats }) => textNats),
      c: losses.map(({ called }) => (called ? 1 : 0)),
      ms: Math.round(now - last),
      ...(losses.some(({ byToken }) => byToken) && {
        b: losses.map(({ byToken }) => (byToken ? base64Of(byToken) : '')),
      }),
    });
    last = now;
    return losses;
  };

  return {
    checkpoint: source.checkpoint,
    resumed: earlier.count,
    earlierSeconds: earlier.milliseconds / 1000,
    async losses(calls, model) {
      const missing = calls.filter((call) => !earlier.has(call));
      const computed = missing.length > 0 ? await compute(missing, model) : [];
      let next = 0;
      return calls.map((call) => earlier.get(call) ?? computed[next++]);
    },
    close() {
      journal.close();
      lock.release();
    },
    finish() {
      journal.finish();
      lock.release();
    },
  };
}

/** What a journal holds, in a few bytes a loss. */
class FinishedLosses {
  readonly count: number;
  readonly milliseconds: number;
  /** [draw] → nats, text nats and 1 or 2 (finished without, with a call), by sequence. */
  private readonly draws: { nats: Float64Array; textNats: Float64Array; state: Uint8Array }[] = [];
  /** Of the few that have them, by draw and sequence. */
  private readonly byToken = new Map<string, string>();

  constructor(lines: readonly Line[]) {
    const size = 1 + lines.reduce((most, { s }) => Math.max(most, ...s), -1);
    let count = 0;
    let milliseconds = 0;
    for (const { d, s, n, t, c, ms, b } of lines) {
      this.draws[d] ??= {
        nats: new Float64Array(size),
        textNats: new Float64Array(size),
        state: new Uint8Array(size),
      };
      const { nats, textNats, state } = this.draws[d];
      for (const [i, sequence] of s.entries()) {
        if (state[sequence] === 0) count++;
        nats[sequence] = n[i];
        textNats[sequence] = t[i];
        state[sequence] = c[i] + 1;
        if (b) this.byToken.set(`${d} ${sequence}`, b[i]);
      }
      milliseconds += ms;
    }
    this.count = count;
    this.milliseconds = milliseconds;
  }

  has({ draw, sequence }: ModelCall): boolean {
    return (this.draws[draw]?.state[sequence] ?? 0) > 0;
  }

  get({ draw, sequence }: ModelCall): SequenceLoss | null {
    const kept = this.draws[draw];
    const state = kept?.state[sequence] ?? 0;
    if (state === 0) return null;
    const byToken = this.byToken.get(`${draw} ${sequence}`);
    return {
      sequence,
      draw,
      nats: kept.nats[sequence],
      textNats: kept.textNats[sequence],
      called: state === 2,
      ...(byToken !== undefined && { byToken: float32Of(byToken) }),
    };
  }
}

function base64Of(values: Float32Array): string {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeFloatLE(value, 4 * i);
  return bytes.toString('base64');
}

function float32Of(base64: string): Float32Array {
  const bytes = Buffer.from(base64, 'base64');
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}
