/**
 * The commands that give rows again, as their evaluations declare them. Records name data sets but not their paths. Real text
 * belongs to the command of the row before it.
 */
import type { ResultRow } from '../records/evaluation.js';

/** Rows of one command, and the real text among them. */
interface Run {
  rows: [ResultRow, ...ResultRow[]];
  realText: string[];
}

/** @returns each command once */
export function commandsOf(rows: readonly ResultRow[]): string[] {
  const commands = runsOf(rows).flatMap(
    (run) => run.rows[0].evaluation?.repetition?.commands(run.rows, run.realText) ?? [],
  );
  return [...new Set(commands)];
}

function runsOf(rows: readonly ResultRow[]): Run[] {
  const runs: Run[] = [];
  for (const row of rows) {
    const own = row.evaluation?.repetition;
    const last = runs.at(-1);
    const before = last?.rows[0].file === row.file ? last : null;
    const [first] = before?.rows ?? [];
    if (own?.isRealText?.(row)) {
      if (first?.evaluation?.repetition?.evaluatesRealText) before?.realText.push(row.dataset);
    } else if (first?.eval === row.eval && own?.sharesCommand?.(first, row)) before?.rows.push(row);
    else runs.push({ rows: [row], realText: [] });
  }
  return runs;
}
