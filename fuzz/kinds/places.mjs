/**
 * What may lie in the place of a file: a named pipe that nobody writes to, a socket, a device, a link to any of them, a link that
 * leads nowhere or in a circle, a folder, a file of a terabyte, a Git LFS pointer. Whatever is read there must be refused, and
 * soon; only the files that a program may do without, or that are there in another form, may be passed over.
 */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from '../broken.mjs';
import { csvSeeds, jsonLinesSeeds, parquetSeeds, tokenizerFolder } from '../seeds.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const fixture = (name) => join(root, 'fixtures', name);
const LFS = 'version https://git-lfs.github.com/spec/v1\noid sha256:'
  .padEnd(120, '0')
  .concat('\nsize 12345\n');

/** @type {Record<string, (path: string, open: { close(): void }[]) => void | Promise<void>>} */
const occupants = {
  'a named pipe': (path) => void execFileSync('mkfifo', [path]),
  async 'a socket'(path, open) {
    const server = createServer();
    // A path of a socket is short: made where it is allowed, and reached by a link.
    const short = join(tmpdir(), `duo-eval-fuzz-${process.pid}`);
    rmSync(short, { force: true });
    await new Promise((resolve) => server.listen(short, () => resolve()));
    symlinkSync(short, path);
    open.push(server);
  },
  'a link to /dev/zero': (path) => symlinkSync('/dev/zero', path),
  'a link to /dev/random': (path) => symlinkSync('/dev/random', path),
  'a link to a named pipe'(path) {
    execFileSync('mkfifo', [`${path}.pipe`]);
    symlinkSync(`${path}.pipe`, path);
  },
  'a link that leads nowhere': (path) => symlinkSync(`${path}.nowhere`, path),
  'a link to itself': (path) => symlinkSync(path, path),
  'a folder': (path) => mkdirSync(path),
  'a terabyte of nothing'(path) {
    writeFileSync(path, '');
    truncateSync(path, 2 ** 40);
  },
  'two gigabytes of nothing'(path) {
    writeFileSync(path, '{');
    truncateSync(path, 2 ** 31);
  },
  'a pointer of Git LFS': (path) => writeFileSync(path, LFS),
  'an empty file': (path) => writeFileSync(path, ''),
};

const put = (folder, name, bytes) => writeFileSync(join(folder, name), bytes);
const config = { model_type: 'gpt2', n_embd: 12, n_head: 3, n_layer: 2, vocab_size: 13, n_positions: 16 };

/**
 * What is read: `files` are those that may be replaced, `whole` writes sound ones, `read` reads.
 * `absent` are files that may be missing.
 */
const readings = {
  model: {
    files: ['model.onnx', 'model.card.json'],
    whole(folder) {
      copyFileSync(fixture('markov-ar.onnx'), join(folder, 'model.onnx'));
      const { sha256, ...card } = JSON.parse(readFileSync(fixture('markov-ar.card.json'), 'utf8'));
      put(folder, 'model.card.json', JSON.stringify({ ...card, tokenizer: tokenizerFolder }));
    },
    async read(program, folder) {
      const { openCheckpoint } = await import(`${program}/models/checkpoint.js`);
      await (await openCheckpoint(join(folder, 'model.onnx'))).sha256();
    },
    // A card may be missing, and the program says then what it needs.
    absent: ['model.card.json'],
  },
  tokenizer: {
    files: ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'],
    whole(folder) {
      for (const name of ['tokenizer.json', 'tokenizer_config.json'])
        copyFileSync(join(tokenizerFolder, name), join(folder, name));
      put(folder, 'special_tokens_map.json', '{}');
    },
    async read(program, folder) {
      const { loadTokenizer } = await import(`${program}/datasets/tokenizer.js`);
      await loadTokenizer(folder);
    },
    absent: ['tokenizer_config.json', 'special_tokens_map.json'],
  },
  weights: {
    files: ['model.safetensors', 'config.json'],
    whole(folder) {
      const from = join(root, 'test', 'models', 'importers', 'files', 'gpt2.safetensors');
      copyFileSync(from, join(folder, 'model.safetensors'));
      put(folder, 'config.json', JSON.stringify(config));
    },
    async read(program, folder) {
      const { importCheckpoint } = await import(`${program}/models/importers/import-checkpoint.js`);
      await importCheckpoint({
        source: join(folder, 'model.safetensors'),
        out: join(folder, 'out.onnx'),
        heads: 3,
      });
    },
    absent: ['config.json'],
  },
  data: {
    files: ['data.txt', 'data.csv', 'data.jsonl', 'data.parquet', 'data.txt.gz', 'data.csv.gz'],
    whole(folder) {
      put(folder, 'data.txt', 'a text\n');
      put(folder, 'data.csv', csvSeeds()[0].bytes);
      put(folder, 'data.jsonl', jsonLinesSeeds()[0].bytes);
      put(folder, 'data.parquet', parquetSeeds()[0].bytes);
    },
    async read(program, folder, name) {
      const { resolveDataset } = await import(`${program}/datasets/resolve-dataset.js`);
      const textColumn = name.includes('parquet') ? 'sentence' : 'text';
      const source = await resolveDataset({
        spec: join(folder, name),
        textColumn: name.includes('.txt') ? undefined : textColumn,
      });
      let texts = 0;
      for await (const text of source.texts()) texts += Number(text.length > 0);
      expect(texts === 0, `${texts} texts were read`);
      return 'refused';
    },
    absent: [],
  },
  results: {
    files: ['results.json', 'samples.jsonl'],
    whole() {},
    async read(_program, folder, name, config) {
      const { default: Report } = await import(`${_program}/commands/report.js`);
      await Report.run([join(folder, name), '--out', join(folder, 'report.md'), '--quiet'], config);
    },
    absent: [],
  },
  prompts: {
    files: ['prompts.jsonl'],
    whole() {},
    async read(program, folder) {
      const { readPrompts } = await import(`${program}/evals/likelihood/prompts-file.js`);
      await readPrompts(join(folder, 'prompts.jsonl'));
    },
    absent: [],
  },
  gates: {
    files: ['gates.yaml'],
    whole() {},
    async read(program, folder) {
      const { readGates } = await import(`${program}/comparison/gate/config.js`);
      readGates(join(folder, 'gates.yaml'));
    },
    absent: [],
  },
  suite: {
    files: ['suite.yaml'],
    whole() {},
    async read(program, folder) {
      const { readSuite } = await import(`${program}/evals/suite/suite-file.js`);
      readSuite(join(folder, 'suite.yaml'));
    },
    absent: [],
  },
  sampler: {
    files: ['own.mjs'],
    whole() {},
    async read(program, folder) {
      const { resolveSampler } = await import(`${program}/samplers/registry.js`);
      await resolveSampler(join(folder, 'own.mjs'));
    },
    absent: [],
  },
};

const NOTHING_THERE = ['a link that leads nowhere'];

export const places = ({ program }) => {
  let oclif;
  return {
    async begin() {
      const { Config } = await import('@oclif/core/config');
      oclif = await Config.load(dirname(program));
    },
    async prepare(random, folder) {
      const kind = random.of(Object.keys(readings));
      const { files, whole, read, absent } = readings[kind];
      const name = random.of(files);
      const what = random.of(Object.keys(occupants));
      whole(folder);
      const path = join(folder, name);
      rmSync(path, { force: true });
      const open = [];
      await occupants[what](path, open);
      return {
        how: `${what} in place of ${name}`,
        async read() {
          try {
            const said = await read(program, folder, name, oclif);
            const asNone = absent.includes(name) && NOTHING_THERE.includes(what);
            expect(said === 'refused' || asNone, `${what} was read as ${name}`);
            return said;
          } finally {
            for (const one of open) one.close();
          }
        },
      };
    },
  };
};
