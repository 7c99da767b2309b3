/** The losses of a run as tables beside it: of every step, and of held-out text at every save. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFileAtomically } from '../storage/atomic-file.js';

/** loss.csv. @param curve loss and gradient norm of every step, one after the other   @throws FileError */
export async function writeCurve(path: string, curve: Float32Array): Promise<void> {
  const rows = ['step,loss,gradient_norm'];
  for (let i = 0; i < curve.length; i += 2) rows.push(`${i / 2 + 1},${curve[i]},${curve[i + 1]}`);
  await writeFileAtomically(path, `${rows.join('\n')}\n`);
}

/** validation.csv. Rows of later steps, which a run left before it was killed, give way. @param row by column */
export async function addRow(path: string, row: { step: number } & Record<string, number>): Promise<void> {
  const known = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').slice(1) : [];
  const before = known.filter((line) => Number.parseInt(line, 10) < row.step);
  const lines = [Object.keys(row).join(), ...before, Object.values(row).join()];
  await writeFileAtomically(path, `${lines.join('\n')}\n`);
}

/** Mean over the last tenth of the steps. */
export function lastLoss(curve: Float32Array): number {
  const steps = curve.length / 2;
  const losses = Array.from({ length: Math.ceil(steps / 10) }, (_, i) => curve[2 * (steps - 1 - i)]);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}
