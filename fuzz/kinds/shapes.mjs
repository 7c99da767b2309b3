/**
 * Models whose shapes lie: what comes out is wider, narrower, longer, transposed or of another type than was declared, or
 * changes with what goes in; models that look at what they must predict. None may be scored as if all were well.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from '../broken.mjs';
import { tokenizerFolder } from '../seeds.mjs';

const WIDTH = 257;
const LENGTH = 16;
const TEXT = 'Four score and seven years ago our fathers brought forth a new nation. '.repeat(20);

/** Logits of a bigram table, [batch, length, 257], made to be something else. `lies`: such a model has no figure. */
const liars = {
  honest: { lies: false, make: (_operators, logits) => logits },
  'twice as wide': { lies: true, make: ({ Concat }, logits) => Concat([logits, logits], { axis: 2 }) },
  'wider by one': {
    lies: true,
    make: ({ Concat, Slice }, logits) =>
      Concat([logits, Slice(logits, { starts: [0], ends: [1], axes: [2] })], { axis: 2 }),
  },
  'narrower by one': {
    lies: true,
    make: ({ Slice }, logits) => Slice(logits, { starts: [0], ends: [WIDTH - 1], axes: [2] }),
  },
  'twice as long': { lies: true, make: ({ Concat }, logits) => Concat([logits, logits], { axis: 1 }) },
  'one position short': {
    lies: true,
    make: ({ Slice }, logits) => Slice(logits, { starts: [0], ends: [-1], axes: [1] }),
  },
  'twice as many sequences': {
    lies: true,
    make: ({ Concat }, logits) => Concat([logits, logits], { axis: 0 }),
  },
  'one sequence for all': {
    lies: true,
    make: ({ Slice }, logits) => Slice(logits, { starts: [0], ends: [1], axes: [0] }),
  },
  transposed: { lies: true, make: ({ Transpose }, logits) => Transpose(logits, { perm: [0, 2, 1] }) },
  'one axis more': { lies: true, make: ({ Unsqueeze }, logits) => Unsqueeze(logits, [0]) },
  'one axis less': { lies: true, make: ({ Reshape }, logits) => Reshape(logits, [-1, WIDTH]) },
  'not a number': { lies: true, make: ({ Log, Mul }, logits) => Log(Mul(logits, 0)) },
};
const declarations = {
  exact: ['batch', 'length', WIDTH],
  loose: ['batch', 'length', 'width'],
};

export const shapes = ({ program }) => {
  let config;
  let Graph;
  let operators;
  return {
    async begin() {
      const { Config } = await import('@oclif/core/config');
      config = await Config.load(dirname(program));
      ({ Graph } = await import(`${program}/graph/graph.js`));
      operators = await import(`${program}/graph/operators.js`);
    },
    prepare(random, folder) {
      const how = random.of(Object.keys(liars));
      const declared = random.of(Object.keys(declarations));
      const family = random.of(['ar', 'ar', 'mdlm', 'duo']);
      const peeks = random.chance(0.25);
      const saysFamily = random.chance(0.8);
      const hasMask = random.chance(0.3);
      const graph = Graph.create('liar');
      const ids = graph.input('input_ids', 'int64', ['batch', 'length']);
      if (hasMask) graph.input('attention_mask', 'int64', ['batch', 'length']);
      const salt = random.below(1000);
      const table = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => Math.sin(i + salt));
      const rows = graph.initializer('table', 'float32', [WIDTH, WIDTH], table);
      const { Gather, Concat, Slice } = operators;
      const seen = peeks
        ? Concat(
            [
              Slice(ids, { starts: [1], ends: [2 ** 31 - 1], axes: [1] }),
              Slice(ids, { starts: [0], ends: [1], axes: [1] }),
            ],
            { axis: 1 },
          )
        : ids;
      const { make, lies } = liars[how];
      graph.output(make(operators, Gather(rows, seen)), 'logits', declarations[declared]);
      writeFileSync(join(folder, 'model.onnx'), graph.toBytes());
      const vocabSize = declared === 'loose' || random.chance(0.5) ? WIDTH : undefined;
      const card = {
        ...(saysFamily && { family }),
        ...(vocabSize && { vocabSize }),
        ...{ tokenizer: tokenizerFolder, length: LENGTH, bosTokenId: 256, eosTokenId: 256 },
        ...(family === 'mdlm' && { maskTokenId: 255 }),
      };
      writeFileSync(join(folder, 'model.card.json'), JSON.stringify(card));
      writeFileSync(join(folder, 'text.txt'), TEXT);
      const told = `${how}, declared ${declared}, ${saysFamily ? family : 'no family'}${peeks ? ', looks ahead' : ''}`;
      return {
        how: told,
        async read() {
          const { default: Ppl } = await import(`${program}/commands/ppl.js`);
          const out = join(folder, 'results.json');
          const args = [
            '--model',
            join(folder, 'model.onnx'),
            '--dataset',
            join(folder, 'text.txt'),
            '--out',
            out,
          ];
          const small = [
            '--limit',
            '4',
            '--batch',
            '2',
            '--threads',
            '1',
            '--timeout',
            '4',
            '--fresh',
            '--quiet',
          ];
          await Ppl.run([...args, ...small], config);
          expect(!lies, 'a model of other shapes than it declares was scored');
          const [{ model, metrics }] = JSON.parse(readFileSync(out, 'utf8')).results;
          expect(Number.isFinite(metrics.nll.value), `its nll is ${metrics.nll.value}`);
          expect(saysFamily || model.family !== 'ar', 'nothing says that it is autoregressive');
          expect(!(peeks && model.family === 'ar'), 'a model that looks ahead was scored as autoregressive');
        },
      };
    },
  };
};
