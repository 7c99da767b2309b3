/**
 * A calibration for a terminal, at most 80 columns: one table per source and estimator; each row is one model under both
 * protocols. Also as CSV, one line per check.
 */
import { styleText } from 'node:util';
import { csvTable } from '../../printing/csv.js';
import { dim, type FittedColumn, fittedTable, naturalWidth } from '../../printing/layout.js';
import type { Screen } from '../../printing/table.js';
import { wrap } from '../../terminal-text.js';
import { type CalibrationCheck, type CalibrationRecord, isOverOrders, LARGEST_Z } from './record.js';

/** The checks of one model under one estimator: one for ar, else one per protocol. */
interface Row {
  main: CalibrationCheck;
  duo: CalibrationCheck | null;
}

interface Column extends FittedColumn {
  cell(row: Row): string;
}

const right = { align: 'right' } as const;
const COLUMNS: readonly Column[] = [
  { title: 'model', align: 'left', cell: ({ main }) => [main.family, main.schedule ?? ''].join(' ').trim() },
  { title: 'closed form', ...right, cell: ({ main }) => main.closedForm.toFixed(4) },
  { title: 'estimate', ...right, cell: ({ main }) => main.estimate.toFixed(4) },
  { title: 'error', ...right, cell: ({ main }) => inSixCharacters(main.stderr) },
  { title: 'z', ...right, cell: ({ main }) => zOf(main) },
  { title: 'duo range', ...right, cell: ({ duo }) => duo?.closedForm.toFixed(4) ?? '' },
  { title: 'z', ...right, cell: ({ duo }) => (duo ? zOf(duo) : '') },
  { title: 'verdict', align: 'left', cell: verdictOf },
];

/** Likelihoods over orders: a row per source and likelihood, and how far those of each family are off. */
function ordersTable(checks: readonly CalibrationCheck[], screen: Screen): string {
  const families = [...new Set(checks.map(({ family }) => family))];
  const keyOf = ({ source, estimator }: CalibrationCheck) => `${source}: ${estimator}`;
  const rows = [...new Set(checks.map(keyOf))].map((key) => checks.filter((check) => keyOf(check) === key));
  const cells = rows.map((row) => [
    row[0].source,
    row[0].estimator.replace('policy ', ''),
    row[0].closedForm.toFixed(4),
    ...families.map((name) => {
      const check = row.find(({ family }) => family === name);
      return check ? (check.estimate - check.closedForm).toExponential(0) : '';
    }),
    row.some(({ verdict }) => verdict === 'fail') ? 'FAIL' : 'exact',
  ]);
  const columns: FittedColumn[] = [
    { title: 'source', align: 'left' },
    { title: 'likelihood', align: 'left' },
    { title: '−ln p', ...right },
    ...families.map((family) => ({ title: family, ...right })),
    { title: 'verdict', align: 'left' },
  ];
  return fittedTable(columns, cells, screen);
}

/** The whole text with a line end. */
export function formatCalibration(record: CalibrationRecord, screen: Screen): string {
  const { width, color } = screen;
  const sections = sectionsOf(record.checks.filter((check) => !isOverOrders(check)));
  const all = sections.flatMap(({ rows }) => rows);
  const columns = COLUMNS.map((column) => ({ ...column, width: naturalWidth(column, all.map(column.cell)) }));
  const titled = (title: string, table: string) => {
    const heading = wrap(title, width).join('\n');
    return `${color ? styleText('bold', heading, { validateStream: false }) : heading}\n${table}`;
  };
  const parts = sections.map(({ title, rows }) => {
    const cells = rows.map((row) => COLUMNS.map((column) => column.cell(row)));
    return titled(title, fittedTable(columns, cells, screen));
  });
  const orders = record.checks.filter(isOverOrders);
  if (orders.length > 0) parts.push(titled(ORDERS_TITLE, ordersTable(orders, screen)));
  const notes = notesOf(record).flatMap((note) => wrap(note, width));
  parts.push(notes.map((line) => (color ? dim(line) : line)).join('\n'));
  parts.push(wrap(summaryOf(record), width).join('\n'));
  return `${parts.join('\n\n')}\n`;
}

const ORDERS_TITLE =
  'Likelihoods of masked models over orders of revealing the tokens, one token per call: of an exact model each is −ln p, whatever the order. By family, how far it is off';

/** The summary, one sentence. */
export function summaryOf({ passed, failed, notCounted }: CalibrationRecord): string {
  const others = notCounted > 0 ? ` ${notCounted} more are shown and do not count.` : '';
  return failed === 0
    ? `All ${passed} checks pass.${others}`
    : `${failed} of ${passed + failed} checks fail.${others}`;
}

/** Names of the failed checks, for the error message. */
export function nameOf({ source, family, schedule, estimator, protocol }: CalibrationCheck): string {
  const parts = [
    family,
    schedule,
    estimator === 'exact' ? null : estimator,
    protocol && `protocol ${protocol}`,
  ];
  return `${source}: ${parts.filter((part) => part !== null).join(', ')}`;
}

/** One section per source and estimator; ar, which has no estimator, is in the first section of its source. */
function sectionsOf(checks: readonly CalibrationCheck[]): { title: string; rows: Row[] }[] {
  const sections: { title: string; rows: Row[] }[] = [];
  for (const source of new Set(checks.map((check) => check.source))) {
    const ofSource = checks.filter((check) => check.source === source);
    const exact = ofSource.filter(({ estimator }) => estimator === 'exact');
    const noisy = ofSource.filter(({ estimator }) => estimator !== 'exact');
    const estimators = [...new Set(noisy.map(({ estimator }) => estimator))];
    for (const [i, estimator] of (estimators.length > 0 ? estimators : ['exact']).entries()) {
      const rows: Row[] = i === 0 ? exact.map((main) => ({ main, duo: null })) : [];
      for (const main of noisy) {
        if (main.estimator !== estimator || main.protocol === 'duo') continue;
        const isPair = (check: CalibrationCheck) =>
          check.estimator === estimator &&
          check.protocol === 'duo' &&
          check.family === main.family &&
          check.schedule === main.schedule;
        rows.push({ main, duo: noisy.find(isPair) ?? null });
      }
      const how = estimator === 'exact' ? '' : `, estimator ${estimator}`;
      sections.push({ title: `${source}: ${ofSource[0].description}${how}`, rows });
    }
  }
  return sections;
}

function verdictOf({ main, duo }: Row): string {
  const verdicts = [main.verdict, duo?.verdict];
  if (verdicts.includes('fail')) return 'FAIL';
  if (verdicts.includes('not-counted')) return 'shown';
  return main.estimator === 'exact' ? 'exact' : 'pass';
}

function notesOf({ checks, sequences, length, seed, draws }: CalibrationRecord): string[] {
  const notes = checks.every(isOverOrders)
    ? []
    : [
        `Nats per token of ${sequences} sequences of ${length} tokens, ${draws} draws each, seed ${seed}. Closed form, estimate ` +
          'and error: protocol strict. Duo range: the closed form of what the protocol duo integrates; what it falls short of ' +
          `−ln p is the price of its truncation. A check passes with |z| < ${LARGEST_Z}, under both protocols.`,
      ];
  const [over] = checks.filter(isOverOrders);
  if (over) {
    notes.push(
      `Over orders: nats per token of ${over.sequences} sequences; policies start with all ${length} tokens masked, "orders" are all those of 6 tokens after 2 that are given. There −ln p lies between the two bounds; what is left between them is rounding.`,
    );
  }
  const judged = checks.filter(({ verdict, stderr }) => verdict !== 'not-counted' && stderr);
  if (judged.length > 0) {
    // `judged` has only checks with a standard error
    const widest = Math.max(...judged.map(({ stderr, closedForm }) => stderr! / closedForm));
    notes.push(
      `Largest standard error: ${(100 * widest).toPrecision(2)}% of its closed form; --sequences and --draws lower it.`,
    );
  }
  for (const reason of new Set(
    checks.filter(({ verdict }) => verdict === 'not-counted').map(({ reason }) => reason),
  )) {
    notes.push(`Shown, not counted: ${reason}.`);
  }
  return notes;
}

/** In five characters. */
function zOf({ z, estimator }: CalibrationCheck): string {
  if (z === null) return estimator === 'exact' ? '' : '?';
  if (Math.abs(z) >= 100) return z.toExponential(0);
  return z.toFixed(Math.abs(z) < 9.995 ? 2 : 1);
}

/** A standard error in six characters. */
function inSixCharacters(stderr: number | null): string {
  if (stderr === null) return '?';
  if (stderr === 0) return '0';
  return stderr >= 1e-4 && stderr < 100 ? stderr.toFixed(4) : stderr.toExponential(0);
}

const CSV: readonly [string, (check: CalibrationCheck) => string | number | null][] = [
  ['source', (check) => check.source],
  ['family', (check) => check.family],
  ['schedule', (check) => check.schedule],
  ['estimator', (check) => check.estimator],
  ['protocol', (check) => check.protocol],
  ['sequences', (check) => check.sequences],
  ['tokens', (check) => check.tokens],
  ['draws', (check) => check.draws],
  ['minus_ln_p', (check) => check.whole],
  ['closed_form', (check) => check.closedForm],
  ['estimate', (check) => check.estimate],
  ['mc_stderr', (check) => check.stderr],
  ['z', (check) => check.z],
  ['verdict', (check) => check.verdict],
  ['reason', (check) => check.reason],
];

/** Raw figures; unknown ones are empty cells. */
export function formatCalibrationCsv({ checks }: CalibrationRecord): string {
  return csvTable([CSV.map(([name]) => name), ...checks.map((check) => CSV.map(([, cell]) => cell(check)))]);
}
