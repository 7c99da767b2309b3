/**
 * Texts that many requests want drawn, put together into batches of one setting and one length. What is drawn for a request depends on
 * its seed alone, not on the batch, so a text that was lost with the network's process is drawn again and comes out the same.
 */
import { type Network, NetworkLost } from './network.js';
import type { DrawRow, DrawSetting } from './network-protocol.js';
import { MOST_LOSSES } from './turns.js';

export interface DrawJob {
  setting: DrawSetting;
  row: DrawRow;
  signal: AbortSignal;
  /** Receives the tokens after each step, and before the first (0), where the row is told. */
  told?(step: number, tokens: Int32Array, settled: number): void;
}

export interface Drawn {
  /** [length] */
  tokens: Int32Array;
  /** Model calls made for it. */
  calls: number;
}

interface Waiting extends DrawJob {
  key: string;
  losses: number;
  /** Whether it shares no batch any more: it may be what made one fail. */
  alone: boolean;
  resolve: (drawn: Drawn) => void;
  reject: (error: unknown) => void;
  over: boolean;
}

export class DrawPool {
  private waiting: Waiting[] = [];
  private busy = false;
  drawnTexts = 0;
  drawnTokens = 0;

  /**
   * @param batchOf most texts of a length in a batch
   * @param pads whether a text may be longer than its request needs: a causal model's first tokens do not depend on later ones
   */
  constructor(
    private readonly network: Network,
    private readonly batchOf: (length: number) => number,
    private readonly pads: boolean,
  ) {}

  /** @throws what the network throws, NetworkLost, the reason of the job's signal */
  draw(job: DrawJob): Promise<Drawn> {
    return new Promise((resolve, reject) => {
      const length = this.pads ? 0 : job.row.tokens.length;
      const one: Waiting = {
        ...job,
        ...{ key: JSON.stringify([job.setting, length]), losses: 0, alone: false, over: false },
        resolve: (drawn) => this.leave(one, () => resolve(drawn)),
        reject: (error) => this.leave(one, () => reject(error)),
      };
      if (job.signal.aborted) return reject(job.signal.reason);
      job.signal.addEventListener('abort', () => one.reject(job.signal.reason), { once: true });
      this.waiting.push(one);
      this.fill();
    });
  }

  private leave(one: Waiting, settle: () => void): void {
    if (one.over) return;
    one.over = true;
    this.waiting = this.waiting.filter((other) => other !== one);
    settle();
  }

  private fill(): void {
    if (this.busy || this.waiting.length === 0) return;
    this.busy = true;
    void this.run(this.takeBatch()).finally(() => {
      this.busy = false;
      this.fill();
    });
  }

  private takeBatch(): Waiting[] {
    const [first] = this.waiting;
    const alike = first.alone
      ? [first]
      : this.waiting.filter(({ key, alone }) => key === first.key && !alone);
    let longest = 0;
    const batch: Waiting[] = [];
    for (const one of alike) {
      longest = Math.max(longest, one.row.tokens.length);
      if (batch.length > 0 && batch.length >= this.batchOf(longest)) break;
      batch.push(one);
    }
    this.waiting = this.waiting.filter((one) => !batch.includes(one));
    return batch;
  }

  private async run(batch: readonly Waiting[]): Promise<void> {
    const length = Math.max(...batch.map(({ row }) => row.tokens.length));
    const abandoned = new AbortController();
    const check = () => {
      if (batch.every(({ over }) => over)) abandoned.abort(new DOMException('all left', 'AbortError'));
    };
    for (const { signal } of batch) signal.addEventListener('abort', check, { once: true });
    check();
    try {
      if (abandoned.signal.aborted) return;
      const rows = batch.map(({ row }) => stretched(row, length));
      const drawn = await this.network.ask(
        'draw',
        { setting: batch[0].setting, rows, length },
        {
          signal: abandoned.signal,
          tell: ({ step, rows: told }) => {
            for (const { row, tokens, settled } of told) {
              const one = batch[row];
              if (!one.over) one.told?.(step, tokens.subarray(0, one.row.tokens.length), settled);
            }
          },
        },
      );
      for (const [i, one] of batch.entries()) {
        const tokens = drawn[i].tokens.subarray(0, one.row.tokens.length);
        this.drawnTexts++;
        this.drawnTokens += one.row.fixed.reduce((count, fixed) => count + 1 - fixed, 0);
        one.resolve({ tokens, calls: drawn[i].calls });
      }
    } catch (error) {
      const again = batch.filter((one) => {
        if (one.over) return false;
        one.alone = true;
        if (error instanceof NetworkLost ? ++one.losses < MOST_LOSSES : batch.length > 1) return true;
        one.reject(error);
        return false;
      });
      this.waiting.unshift(...again);
    } finally {
      for (const { signal } of batch) signal.removeEventListener('abort', check);
    }
  }
}

/** The same text with room behind it. */
function stretched(row: DrawRow, length: number): DrawRow {
  if (row.tokens.length === length) return row;
  const [tokens, fixed] = [new Int32Array(length), new Uint8Array(length)];
  tokens.set(row.tokens);
  fixed.set(row.fixed);
  return { ...row, tokens, fixed };
}
