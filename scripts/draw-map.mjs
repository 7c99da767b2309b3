// Draws the map of src/ into CONTRIBUTING.md, between its markers, from the imports of the code: `node scripts/draw-map.mjs`.
// With --check it only says whether the map is as the code has it (status 1 when not).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'CONTRIBUTING.md');
const [BEGIN, END] = ['<!-- map: drawn by scripts/draw-map.mjs -->', '<!-- end of map -->'];

/** What lives in each folder of src/, in the order of the floors, from the user inwards. */
const FOLDERS = {
  commands: 'one command per file: parse flags, call one function, print its result',
  cli: 'flags, failures, progress, the terminal',
  server:
    'a checkpoint over HTTP: routes, who is let in, batches of many requests, the network in a process of its own',
  library: 'what commands do, as functions for other programs; src/index.ts exports them',
  report: 'many results as one page, or in the format of another tool',
  history: 'results over time: entries, trends and their changes, a page, files of other programs',
  workers: 'the entry of the thread that holds a session, with every kind of state',
  evals: 'one folder per evaluation: how it is measured, its record, columns, notes and plot',
  training: 'a training step as one graph, the curriculum, distillation, exact resume',
  comparison: 'pairs of results, what may be compared, gates',
  sampling: 'what drives samplers: sessions, batches, journals, traces',
  samplers: 'what a sampler is, one sampler per file, the registry',
  diffusion: 'the mathematics: schedules, forward processes, posteriors, losses as graph code',
  models: 'what a checkpoint is: card, family, session, provider; architectures; importers',
  graph: 'ONNX graphs as values: read, build, append, differentiate, write',
  datasets: 'where text comes from, and how it becomes sequences of tokens',
  printing: 'tables, CSV, Markdown, JSON, HTML; generic over columns',
  records: 'what all results share; reading and writing result files',
  statistics: 'ratios with clusters, bootstrap, Student’s t, Pareto fronts',
  storage: 'cache, journals, locks, atomic files',
  random: 'the counter-based generator',
};

const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
const folderOf = (path) => {
  const parts = path.split('/');
  return parts.length > 2 ? parts[1] : null;
};

/** Folder → folders it imports; files right under src/ (errors, versions, …) are for everyone and left out. */
const imports = new Map();
for (const path of sources) {
  const from = folderOf(path);
  if (from === null) continue;
  if (!imports.has(from)) imports.set(from, new Set());
  const text = readFileSync(join(root, path), 'utf8');
  for (const [, target] of text.matchAll(/(?:from\s+|import\(\s*|^import\s+)'(\.[^']+)'/gm)) {
    const to = folderOf(join(dirname(path), target).split(sep).join('/'));
    if (to !== null && to !== from) imports.get(from).add(to);
  }
}

const unknown = [...imports.keys()].filter((name) => !(name in FOLDERS));
const gone = Object.keys(FOLDERS).filter((name) => !imports.has(name));
if (unknown.length + gone.length > 0)
  throw new Error(
    `scripts/draw-map.mjs: ${unknown.map((name) => `src/${name} is not described`).join(', ')}${gone.map((name) => `src/${name} is gone`).join(', ')}.`,
  );
const names = Object.keys(FOLDERS);

/** Folders reached from one, itself left out unless it lies on a circle. */
function reached(from, seen = new Set()) {
  for (const to of imports.get(from) ?? [])
    if (!seen.has(to)) {
      seen.add(to);
      reached(to, seen);
    }
  return seen;
}
/** An arrow is left out where a longer way leads there, circles aside. */
const leadsTo = (via, to) => via !== to && reached(via).has(to) && !reached(to).has(via);
const arrows = names.flatMap((from) =>
  [...imports.get(from)]
    .filter((to) => reached(to).has(from) || ![...imports.get(from)].some((via) => leadsTo(via, to)))
    .sort((a, b) => names.indexOf(a) - names.indexOf(b))
    .map((to) => `  ${from} --> ${to}`),
);
const listed = (from) =>
  names
    .filter((to) => imports.get(from).has(to))
    .map((to) => `\`${to}\``)
    .join(', ') || 'none';
const cells = [
  ['folder', 'what lives there', 'imports'],
  ...names.map((name) => [`\`src/${name}/\``, FOLDERS[name], listed(name)]),
];
const widths = [0, 1, 2].map((i) => Math.max(...cells.map((row) => row[i].length)));
const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
const map = [
  BEGIN,
  '',
  '```mermaid',
  'flowchart TD',
  ...arrows,
  '```',
  '',
  line(cells[0]),
  rule,
  ...cells.slice(1).map(line),
  '',
  END,
].join('\n');

const text = readFileSync(page, 'utf8');
const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
if (from < 0 || to < from) throw new Error('CONTRIBUTING.md has no markers for the map.');
const drawn = text.slice(0, from) + map + text.slice(to + END.length);
if (process.argv.includes('--check')) {
  if (drawn !== text) {
    console.error('The map in CONTRIBUTING.md is not that of the code: run node scripts/draw-map.mjs');
    process.exitCode = 1;
  }
} else if (drawn !== text) writeFileSync(page, drawn);
