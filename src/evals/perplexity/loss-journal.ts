/**
 * Losses that are finished are never computed again: each batch's are appended to a journal, and a later run of the same
 * command is answered from it. The journal's name is the hash of all that decides a loss (the model, the packed stream, the
 * noise), so it can belong to no other work; numbers are written with all their digits, so the figure of a continued run
 * equals the unbroken one's to the bit.
 */

import { type CacheKey, cacheEntryPath } from '../../storage/cache-entry.js';
import { type Journal, openJournal } from '../../storage/journal.js';
import { acquireLock } from '../../storage/lock.js';
import { NumberColumn } from '../../storage/number-column.js';
import type { ModelCall, SequenceLoss } from './loss-batch.js';
import type { BatchModel, LossSource } from './loss-source.js';

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
 * @param key all that decides a loss   @param sequences that are evaluated   @param fresh ignore what an earlier run left
 * @throws FileError `in-use` when another process works on the same figure
 */
export function journaled(
  source: LossSource,
  key: CacheKey,
  { sequences, fresh }: { sequences: number; fresh: boolean },
): LossJournal {
  const path = cacheEntryPath('journals', key, '.jsonl');
  const lock = acquireLock(path, `The evaluation of ${source.checkpoint.name}`);
  const earlier = new FinishedLosses(sequences);
  let journal: Journal<Line>;
  try {
    journal = openJournal<Line>(
      path,
      { key: JSON.stringify(key) },
      { fresh, onEntry: (line) => earlier.add(line) },
    );
  } catch (error) {
    earlier.close();
    lock.release();
    throw error;
  }
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
      earlier.close();
      journal.close();
      lock.release();
    },
    finish() {
      earlier.close();
      journal.finish();
      lock.release();
    },
  };
}

/** What a journal held when it was opened, in memory that does not grow with it. */
class FinishedLosses {
  count = 0;
  milliseconds = 0;
  /** By draw and sequence. */
  private readonly nats = new NumberColumn();
  private readonly textNats = new NumberColumn();
  /** 0 unfinished, 1 finished without a call, 2 with one. */
  private readonly state = new NumberColumn();
  /** Of the first calls, as many as difficulty-correction.ts learns from. */
  private readonly byToken = new Map<number, string>();

  constructor(private readonly sequences: number) {}

  add({ d, s, n, t, c, ms, b }: Line): void {
    for (const [i, sequence] of s.entries()) {
      const place = this.placeOf(d, sequence);
      if (this.state.at(place) === 0) this.count++;
      this.nats.set(place, n[i]);
      this.textNats.set(place, t[i]);
      this.state.set(place, c[i] + 1);
      if (b) this.byToken.set(place, b[i]);
    }
    this.milliseconds += ms;
  }

  has({ draw, sequence }: ModelCall): boolean {
    const place = this.placeOf(draw, sequence);
    return place < this.state.length && this.state.at(place) > 0;
  }

  get(call: ModelCall): SequenceLoss | null {
    if (!this.has(call)) return null;
    const { draw, sequence } = call;
    const place = this.placeOf(draw, sequence);
    const byToken = this.byToken.get(place);
    return {
      sequence,
      draw,
      nats: this.nats.at(place),
      textNats: this.textNats.at(place),
      called: this.state.at(place) === 2,
      ...(byToken !== undefined && { byToken: float32Of(byToken) }),
    };
  }

  close(): void {
    for (const column of [this.nats, this.textNats, this.state]) column.close();
    this.byToken.clear();
  }

  private placeOf(draw: number, sequence: number): number {
    return draw * this.sequences + sequence;
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
