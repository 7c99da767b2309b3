/** Facts about a checkpoint that only model calls show, for `inspect`. */
import type { Tokenizer } from '../../datasets/tokenizer.js';
import { levelOfTime, noiseSchedule } from '../../diffusion/schedule.js';
import { DuoEvalError } from '../../errors.js';
import { type Checkpoint, checkReadsSequences } from '../../models/checkpoint.js';
import type { Advice } from '../../models/inspection.js';
import { LossSession } from './loss-session.js';
import { batchModelOf } from './loss-source.js';
import { probeRows, type RowsProbed } from './row-probe.js';

export interface InspectionProbe {
  /** What the calls showed, in sentences. */
  remarks: Advice[];
  /** Why the checkpoint cannot be evaluated. */
  problems: Advice[];
}

/** Time limit of a call, since a broken graph may never return. */
const TIMEOUT_MS = 300_000;

/** Runs the network on a few short texts, and once at the length in the card. */
export async function probeInspection(
  checkpoint: Checkpoint,
  tokenizer: Pick<Tokenizer, 'encode'> | null = null,
): Promise<InspectionProbe> {
  const found: InspectionProbe = { remarks: [], problems: [] };
  try {
    checkReadsSequences(checkpoint);
  } catch (error) {
    found.remarks.push(adviceOf(error));
    return found;
  }
  try {
    const notice = (message: string) => found.remarks.push({ message, hint: null });
    const session = await LossSession.start({ checkpoint, provider: 'cpu', notice, timeoutMs: TIMEOUT_MS });
    try {
      const { causalTokens } = session.probed;
      if (causalTokens !== null) {
        const message = `Asked: with another last token of ${causalTokens}, no earlier logits move. It looks at no later token.`;
        found.remarks.push({ message, hint: null });
      }
      if (session.probed.heedsTime)
        found.remarks.push({
          message: `Asked: its answer follows the ${checkpoint.fields.timestepInput.value === 't' ? 'time' : 'noise level'} that it is told.`,
          hint: null,
        });
      await wholeSequence(session);
    } finally {
      await session.close();
    }
    const rows = await probeRows({ checkpoint, provider: 'cpu', timeoutMs: TIMEOUT_MS }, tokenizer);
    if (rows) found.remarks.push(...shownByRows(checkpoint, rows));
  } catch (error) {
    found.problems.push(adviceOf(error));
  }
  return found;
}

/** What the rows of a masked network show, beside what its card says. */
function shownByRows({ fields }: Checkpoint, { seesLater, betterRow }: RowsProbed): Advice[] {
  const { attention } = fields;
  const shown: Advice[] = [];
  const show = (message: string, hint: string | null = null) => shown.push({ message, hint });
  if (seesLater === false && attention.value === 'causal') show('Asked: a masked token sees no later token.');
  else if (seesLater === false)
    show(
      'Asked: a masked token sees the token before it, and not the one after it. The network is causal.',
      'Check that the export is of the bidirectional network; if it is meant so, put "attention": "causal" into the card.',
    );
  else if (seesLater && attention.value === 'causal')
    show(
      'Asked: a masked token sees the token after it, but the card says that attention is causal.',
      'Correct "attention" in the card.',
    );
  else if (seesLater) show('Asked: a masked token sees tokens on both sides.');
  if (betterRow)
    show(
      `Asked: the row ${betterRow.row} a masked token's own knows it better, by ${betterRow.nats.toFixed(1)} nats a token. Figures of this checkpoint would be wrong.`,
      betterRow.row === 'before'
        ? 'Its logits seem to be shifted by one: put "shiftLogits": true into the card.'
        : 'Its logits seem not to be shifted: put "shiftLogits": false into the card.',
    );
  return shown;
}

/** One sequence of the length in the card, which may exceed the positions of the model. */
async function wholeSequence(session: LossSession): Promise<void> {
  const { schedule, maskTokenId, fields } = session.checkpoint;
  const length = fields.length.value;
  if (length === null) return;
  const x = Int32Array.from({ length }, (_, l) => (l % 2 === maskTokenId ? 2 : l % 2));
  const noise = schedule === null ? null : noiseSchedule(schedule);
  const level = noise && { t: 0.5, ...levelOfTime(noise, 0.5), sigma: noise.sigma(0.5), weight: 1 };
  const model = batchModelOf(session.checkpoint, { seed: 0, wrapped: false });
  const blocks = level && model.blockSize ? Math.ceil(length / model.blockSize) : 0;
  const blockLevels = blocks > 0 && level ? Array(blocks).fill(level) : undefined;
  const levels = blockLevels ? { level: null, blockLevels } : { level };
  await session.losses([{ sequence: 0, draw: 0, x, ...levels }], model);
}

function adviceOf(error: unknown): Advice {
  if (!(error instanceof DuoEvalError)) throw error;
  return { message: error.message, hint: error.hint };
}
