/**
 * Results that cannot be, and results whose texts are meant for another program than a reader: what is impossible must be
 * refused by `gate` and `report`; what is shown must start no line of a workflow, compute no cell, and obey no terminal.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from '../broken.mjs';

const interval = (value, stderr) => ({
  value,
  stderr,
  ci95: [value - 2 * stderr, value + 2 * stderr],
  mcStderr: 0,
});

const record = (name) => ({
  eval: 'ppl',
  model: { name, family: 'duo', sha256: 'ab'.repeat(32), path: 'models/duo.onnx' },
  dataset: {
    ...{
      name: 'sotu',
      split: 'evaluation',
      sha256: 'cd'.repeat(32),
      sourceSha256: null,
      texts: 19,
      tokens: 18_388,
    },
    ...{ sequences: 145, droppedTokens: 91, limit: 64 },
  },
  protocol: {
    ...{ name: 'duo', version: 1, length: 128, tokenizerSha256: null, timeRange: [0.001, 1], draws: 20 },
    ...{
      estimator: 'control-variate',
      seed: 1,
      integration: 'comparable with published figures, not a bound',
    },
  },
  metrics: { ppl: interval(68, 3), nll: interval(4.2, 0.05), bitsPerByte: interval(2, 0.03) },
  cost: { sequences: 64, tokens: 8192, modelCalls: 1280, wallSeconds: 31.25, tokensPerSecond: 262 },
  environment: {
    tool: 'duo-eval/0.1.0',
    node: '20.20.2',
    onnxruntime: '1.30.0',
    provider: 'cpu',
    threads: 2,
    cpu: null,
  },
});

const metrics = ['ppl', 'nll', 'bitsPerByte'];
/** Each makes one thing impossible. */
const impossible = {
  'a negative figure': (one, random) => negate(one.metrics[random.of(['ppl', 'bitsPerByte'])]),
  'a negative error': (one, random) => {
    one.metrics[random.of(metrics)].stderr = -1;
  },
  'an interval the wrong way round': (one, random) => one.metrics[random.of(metrics)].ci95.reverse(),
  'an interval without its figure': (one, random) => {
    one.metrics[random.of(metrics)].ci95 = [90, 91];
  },
  'no figures': (one) => {
    one.metrics = {};
  },
  'a figure of 1e308': (one, random) => {
    one.metrics[random.of(metrics)].value = random.of([1e308, -1e308]);
  },
  'a figure that is text': (one, random) => {
    one.metrics[random.of(metrics)].value = '68';
  },
  'an interval of one number': (one, random) => one.metrics[random.of(metrics)].ci95.pop(),
};

const negate = (metric) => {
  metric.value = -5;
  metric.ci95 = [-6, -4];
};

const starts = [
  '=',
  '+',
  '-',
  '@',
  '\t=',
  '\r=',
  '\u200b=',
  '\ufeff=',
  '\u202e=',
  ' =',
  '\u00a0@',
  '|=',
  '＝',
];
const hostile = [
  (random) => `${random.of(starts)}HYPERLINK("http://x",1)`,
  (random) => `duo${random.of(['\n', '\r', '\r\n', '\u2028', '\u0085', '\v'])}::error::no`,
  () => '::add-mask::a',
  (random) => `duo${random.of(['\u001b[31m', '\u009b31m', '\u202e', '\u2066', '\u0007', '\u0000'])}x`,
  () => '<script>alert(1)</script>',
  () => '| a | b |',
  () => '[x](javascript:alert(1))',
  () => 'x'.repeat(5000),
];
const places = {
  'the model': (one, text) => {
    one.model.name = text;
  },
  'the data set': (one, text) => {
    one.dataset.name = text;
  },
  'the provider': (one, text) => {
    one.environment.provider = text;
  },
  'the protocol': (one, text) => {
    one.protocol.integration = text;
  },
};

export const records = ({ program }) => {
  let config;
  return {
    async begin() {
      const { Config } = await import('@oclif/core/config');
      config = await Config.load(dirname(program));
    },
    prepare(random, folder) {
      const one = record('duo');
      const lies = random.chance(0.5);
      const what = random.of(Object.keys(lies ? impossible : places));
      const text = random.of(hostile)(random);
      if (lies) impossible[what](one, random);
      else places[what](one, text);
      const file = join(folder, 'results.json');
      writeFileSync(
        file,
        JSON.stringify({ schemaVersion: 1, results: [record('other'), one], comparisons: [] }),
      );
      writeFileSync(
        join(folder, 'gates.yaml'),
        `gates:\n  - {metric: ${random.of(['ppl', 'nll'])}, max: 80}\n`,
      );
      const ending = random.of(['csv', 'md', 'html', 'gate']);
      return {
        how: `${what}${lies ? '' : ` is ${JSON.stringify(text).slice(0, 60)}`}, ${ending}`,
        async read() {
          const said = await (ending === 'gate' ? gate : report)({ program, config, folder, file, ending });
          expect(!lies, `${what} was believed`);
          checkShown(said, ending);
        },
      };
    },
  };
};

async function report({ program, config, folder, file, ending }) {
  const { default: Report } = await import(`${program}/commands/report.js`);
  const out = join(folder, `report.${ending}`);
  await Report.run([file, '--out', out, '--quiet'], config);
  expect(existsSync(out), 'there is no report');
  return readFileSync(out, 'utf8');
}

async function gate({ program, config, folder, file }) {
  const { default: Gate } = await import(`${program}/commands/gate.js`);
  const lines = [];
  const { write } = process.stdout;
  process.stdout.write = (text) => lines.push(String(text)) > 0;
  try {
    await Gate.run(['--results', file, '--config', join(folder, 'gates.yaml'), '--quiet'], config);
  } finally {
    process.stdout.write = write;
  }
  return lines.join('');
}

function checkShown(said, ending) {
  const obeyed = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u.exec(
    said,
  );
  expect(!obeyed, `U+${obeyed?.[0].codePointAt(0).toString(16).padStart(4, '0')} is shown as it is`);
  for (const line of said.split(/[\n\r\u2028\u2029\u0085]/))
    expect(!line.startsWith('::'), `a line starts with ${line.slice(0, 20)}`);
  if (ending === 'html') expect(!/<script>alert/.test(said), 'a script of others is in the page');
  if (ending === 'csv')
    for (const cell of cellsOf(said)) {
      const seen = cell.replace(/^[\s\p{Cf}\p{Cc}]+/u, '');
      expect(
        !/^[=+@＝]/.test(seen) && !/^-(?![\d.])/.test(seen),
        `a cell begins with ${JSON.stringify(cell.slice(0, 12))}`,
      );
    }
}

/** Cells of a table that quotes as RFC 4180 says. */
function cellsOf(text) {
  return [...text.matchAll(/"((?:[^"]|"")*)"|([^",\n]+)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain,
  );
}
