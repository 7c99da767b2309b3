/**
 * Finished losses are never computed again: the losses of each batch are appended to a journal, and a later run of the same
 * command reads them from it. The journal's name is the hash of everything that determines a loss (the model, the packed
 * stream, the noise), so it belongs to this work only. Numbers are written with all digits, so a continued run gives the same
 * figure as an uninterrupted one, bit for bit.
 */

import type { CacheKey } from '../../storage/cache-entry.js';
import { NumberColumn } from '../../storage/number-column.js';
import {
  openWorkJournal,
  readWorkJournal,
  type WorkParts,
  type WorkRange,
} from '../../storage/work-journal.js';
import type { ModelCall, RevealedPath, SequenceLoss } from './loss-batch.js';
import type { BatchModel, LossSource } from './loss-source.js';

/** One batch: draw, sequences, their nats and text nats, model calls, ms since the line before; and, where requested, losses
 *  per token as float32, little-endian, in base64, and how positions were revealed. */
interface Line {
  d: number;
  s: number[];
  n: number[];
  t: number[];
  c: number[];
  ms: number;
  b?: string[];
  p?: RevealedPath[];
}

export interface LossJournal extends LossSource {
  /** Sequence losses finished by earlier runs. */
  readonly resumed: number;
  /** Seconds that earlier runs took for them. */
  readonly earlierSeconds: number;
  /** Keeps the file for a later run. */
  close(): void;
  /** Removes the file, once the figure is written. */
  finish(): void;
}

/**
 * @param key everything that determines a loss   @param sequences number of evaluated sequences   @param fresh ignore an earlier journal
 * @param parts the sequences that this process evaluates, while others evaluate others
 * @throws FileError `in-use` when another process works on the same figure
 */
export async function openLossJournal(
  source: LossSource,
  key: CacheKey,
  { sequences, fresh, parts }: { sequences: number; fresh: boolean; parts?: WorkParts },
): Promise<LossJournal> {
  const earlier = new FinishedLosses(sequences);
  const range = parts?.range;
  const journal = await openWorkJournal<Line>(key, {
    what: `The evaluation of ${source.checkpoint.name}${range ? `, sequences ${range.from} to ${range.to - 1}` : ''}`,
    parts,
    fresh,
    onEntry: (line) => earlier.add(line),
    kept: earlier,
  });
  let last = performance.now();

  const compute = async (calls: readonly ModelCall[], model: BatchModel): Promise<SequenceLoss[]> => {
    const losses = await source.losses(calls, model);
    const now = performance.now();
    journal.append({
      d: calls[0].draw,
      s: losses.map(({ sequence }) => sequence),
      n: losses.map(({ nats }) => nats),
      t: losses.map(({ textNats }) => textNats),
      c: losses.map(({ calls }) => calls),
      ms: Math.round(now - last),
      ...(losses.some(({ byToken }) => byToken) && {
        b: losses.map(({ byToken }) => (byToken ? base64Of(byToken) : '')),
      }),
      ...(losses.every(({ path }) => path) && { p: losses.flatMap(({ path }) => path ?? []) }),
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
    close: journal.close,
    finish: journal.finish,
  };
}

/** Of each range whether all runs together have kept the losses of its sequences, in all draws. @param sequences of the whole */
export function areLossesKept(
  key: CacheKey,
  { sequences, draws }: { sequences: number; draws: number },
  { for: joined, ranges }: { for: CacheKey; ranges: readonly WorkRange[] },
): boolean[] {
  const losses = new FinishedLosses(sequences);
  try {
    readWorkJournal<Line>(key, (line) => losses.add(line), { for: joined, ranges });
    return ranges.map((range) => losses.hasAll(range, draws));
  } finally {
    losses.close();
  }
}

/** The contents of a journal when it was opened. Memory does not grow with the journal. */
class FinishedLosses {
  count = 0;
  milliseconds = 0;
  /** By draw and sequence. */
  private readonly nats = new NumberColumn();
  private readonly textNats = new NumberColumn();
  /** 0 unfinished, else 1 + model calls. */
  private readonly state = new NumberColumn();
  /** Losses per token of the first calls, those that difficulty-correction.ts learns from. */
  private readonly byToken = new Map<number, string>();
  /** As JSON, which is smaller. Only runs that log their sequences write them. */
  private readonly paths = new Map<number, string>();

  constructor(private readonly sequences: number) {}

  add({ d, s, n, t, c, ms, b, p }: Line): void {
    for (const [i, sequence] of s.entries()) {
      const place = this.placeOf(d, sequence);
      if (this.state.at(place) === 0) this.count++;
      this.nats.set(place, n[i]);
      this.textNats.set(place, t[i]);
      this.state.set(place, c[i] + 1);
      if (b) this.byToken.set(place, b[i]);
      if (p) this.paths.set(place, JSON.stringify(p[i]));
    }
    this.milliseconds += ms;
  }

  has({ draw, sequence, path }: ModelCall): boolean {
    const place = this.placeOf(draw, sequence);
    return place < this.state.length && this.state.at(place) > 0 && !(path && !this.paths.has(place));
  }

  /** Whether the losses of these sequences are there, in all draws. */
  hasAll({ from, to }: WorkRange, draws: number): boolean {
    for (let draw = 0; draw < draws; draw++) {
      for (let sequence = from; sequence < to; sequence++) {
        const place = this.placeOf(draw, sequence);
        if (place >= this.state.length || this.state.at(place) === 0) return false;
      }
    }
    return true;
  }

  get(call: ModelCall): SequenceLoss | null {
    if (!this.has(call)) return null;
    const { draw, sequence } = call;
    const place = this.placeOf(draw, sequence);
    const byToken = this.byToken.get(place);
    const path = this.paths.get(place);
    return {
      sequence,
      draw,
      nats: this.nats.at(place),
      textNats: this.textNats.at(place),
      calls: this.state.at(place) - 1,
      ...(byToken !== undefined && { byToken: float32Of(byToken) }),
      ...(call.path && path !== undefined && { path: JSON.parse(path) as RevealedPath }),
    };
  }

  close(): void {
    for (const column of [this.nats, this.textNats, this.state]) column.close();
    this.byToken.clear();
    this.paths.clear();
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
